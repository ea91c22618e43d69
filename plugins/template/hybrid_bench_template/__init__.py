"""The encoder ``char-ngrams``: hashed character n-grams in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid_bench import Encoder

__all__ = ["load"]


def load(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``char-ngrams``. The entry point in ``pyproject.toml`` names this function.

    Args:
        dtype: ``fp32`` or ``auto``; the only supported dtype.
        device: ``cpu`` or ``auto``; the only supported device.

    Raises:
        HybridBenchError: on another dtype or device.
    """
    # Imported here to keep the import of this package fast.
    from hybrid_bench_template.encoder import CharNgramEncoder

    return CharNgramEncoder(dtype=dtype, device=device)
