"""A projection: an affine map from image features to the vectors of a text encoder, in a safetensors file with its origin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid_bench import HybridBenchError

FILE = "projection.safetensors"
#: Bytes of a file that is read; projections have one or two million.
_LARGEST = 1 << 28


@dataclass(frozen=True)
class Projection:
    """A map ``features @ weight + bias``.

    Attributes:
        weight: (features, dimension) float32.
        bias: (dimension,) float32.
        about: how it was made: base encoder, features, captions, languages, method, seed, ...
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    about: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors, (images, dimension), of features that are not negative, (images, features)."""
        return unit(prepared(features) @ self.weight + self.bias)

    def save(self, folder: Path) -> Path:
        """Write it into a folder, with weights in fp16; returns the file."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, NDArray[Any]] = {"weight": self.weight.astype(np.float16), "bias": self.bias.astype(np.float32)}
        save_file(tensors, folder / FILE, metadata={"projection": json.dumps(dict(self.about), sort_keys=True)})
        return folder / FILE

    @classmethod
    def load(cls, folder: Path) -> Projection:
        """Read the projection of a folder.

        Raises:
            HybridBenchError: if the file is missing, damaged, or holds something else.
        """
        from safetensors import SafetensorError, safe_open

        path = folder / FILE
        try:
            if path.stat().st_size > _LARGEST:
                raise ValueError("it is too large")
            with safe_open(path, framework="numpy") as file:
                about = json.loads((file.metadata() or {})["projection"])
                weight, bias = (np.asarray(file.get_tensor(name)) for name in ("weight", "bias"))
            if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
                raise ValueError("its metadata are no texts")
            if weight.ndim != 2 or bias.shape != weight.shape[1:] or {weight.dtype.kind, bias.dtype.kind} != {"f"}:
                raise ValueError(f"weight {weight.dtype}{weight.shape} and bias {bias.dtype}{bias.shape} are no affine map")
            weight, bias = weight.astype(np.float32), bias.astype(np.float32)
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                raise ValueError("it has NaN or infinity")
        except (OSError, KeyError, TypeError, ValueError, RecursionError, SafetensorError) as error:
            raise HybridBenchError(
                f"{path} is not a projection: {type(error).__name__}: {str(error)[:200]}",
                "Make it again with `hybrid-bench train-projection`, or install its package again.",
            ) from error
        return cls(weight, bias, about)


def file_hash(folder: Path) -> str:
    """The sha256 of the projection in a folder."""
    return hashlib.sha256((folder / FILE).read_bytes()).hexdigest()


def prepared(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The square root of features that are not negative, at unit length."""
    return unit(np.sqrt(np.maximum(features, 0, dtype=np.float32)))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors at length 1; of a vector of zeros, one whose numbers are equal."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    flat = np.float32(vectors.shape[1] ** -0.5)
    return np.where(lengths > 0, vectors / np.where(lengths > 0, lengths, 1), flat).astype(np.float32)
