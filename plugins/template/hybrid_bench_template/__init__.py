"""The encoder ``char-ngrams``: hashed character n-grams, on numpy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid_bench import Encoder

__all__ = ["load"]


def load(*, dtype: str = "auto", device: str = "auto") -> Encoder:
    """Load ``char-ngrams``. The entry point in ``pyproject.toml`` names this function.

    Args:
        dtype: ``fp32`` or ``auto``; it computes in nothing else.
        device: ``cpu`` or ``auto``; it computes nowhere else.

    Raises:
        HybridBenchError: if another dtype or device is asked for.
    """
    # Imported here, so that listing encoders does not import what they are made of.
    from hybrid_bench_template.encoder import CharNgramEncoder

    return CharNgramEncoder(dtype=dtype, device=device)
