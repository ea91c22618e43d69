"""The encoder ``use-multilingual``: Google's Universal Sentence Encoder multilingual v3, in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid_bench import Encoder

__all__ = ["load"]


def load(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``use-multilingual``.

    Args:
        dtype: ``fp32`` or ``auto``; the only supported dtype.
        device: ``cpu`` or ``auto``; the only supported device.

    Raises:
        HybridBenchError: on another dtype or device, or if the package of the model is not installed.
    """
    from hybrid_bench_use.encoder import UseEncoder

    return UseEncoder(dtype=dtype, device=device)
