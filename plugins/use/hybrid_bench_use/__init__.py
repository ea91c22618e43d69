"""The encoder ``use-multilingual``: Google's Universal Sentence Encoder multilingual v3, on numpy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid_bench import Encoder

__all__ = ["load"]


def load(*, dtype: str = "auto", device: str = "auto") -> Encoder:
    """Load ``use-multilingual``.

    Args:
        dtype: ``fp32`` or ``auto``; it computes in nothing else.
        device: ``cpu`` or ``auto``; it computes nowhere else.

    Raises:
        HybridBenchError: if another dtype or device is asked for, or its package is not installed.
    """
    from hybrid_bench_use.encoder import UseEncoder

    return UseEncoder(dtype=dtype, device=device)
