"""The encoders ``hybrid-me5-small``, ``mono-me5-small`` and ``cross-me5-small``: the same recipe with three batch strategies."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid_bench import Encoder

__all__ = ["cross", "hybrid", "mono"]


def hybrid(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``hybrid-me5-small``; see :func:`hybrid_bench.plugin.load_published`."""
    return _load("hybrid", dtype, device)


def mono(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``mono-me5-small``; see :func:`hybrid_bench.plugin.load_published`."""
    return _load("mono", dtype, device)


def cross(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``cross-me5-small``; see :func:`hybrid_bench.plugin.load_published`."""
    return _load("cross", dtype, device)


def _load(strategy: str, dtype: str, device: str) -> Encoder:
    from hybrid_bench.plugin import load_published

    return load_published(Path(str(resources.files(__package__) / strategy)), dtype=dtype, device=device)
