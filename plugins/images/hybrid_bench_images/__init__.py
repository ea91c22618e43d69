"""Text encoders that read images too: EfficientNet-Lite0 features, projected into the space of the texts."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid_bench import Encoder, EncoderCard

__all__ = ["cross_me5_small", "hybrid_me5_small", "load_projected", "me5_small", "mono_me5_small"]


def load_projected(card: EncoderCard, *, dtype: str = "fp32", device: str = "auto", trust_remote_code: bool = False) -> Encoder:
    """Load the encoder of a folder that ``train-projection`` has written.

    Args:
        card: with the text encoder as ``base``, and the folder of the projection as ``model``.
        dtype: of the text encoder.
        device: of the text encoder.
        trust_remote_code: run code that comes with the text encoder.

    Raises:
        HybridBenchError: if the projection or the text encoder cannot be loaded, or they do not fit.
    """
    from hybrid_bench_images.encoder import ProjectedEncoder

    return ProjectedEncoder(card, dtype=dtype, device=device, trust_remote_code=trust_remote_code)


def me5_small(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``me5-small+lite0``; see :func:`load_projected`."""
    return _shipped("me5-small", dtype, device)


def mono_me5_small(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``mono-me5-small+lite0``; see :func:`load_projected`."""
    return _shipped("mono-me5-small", dtype, device)


def cross_me5_small(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``cross-me5-small+lite0``; see :func:`load_projected`."""
    return _shipped("cross-me5-small", dtype, device)


def hybrid_me5_small(*, dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load ``hybrid-me5-small+lite0``; see :func:`load_projected`."""
    return _shipped("hybrid-me5-small", dtype, device)


def _shipped(name: str, dtype: str, device: str) -> Encoder:
    from hybrid_bench import EncoderCard

    folder = Path(str(resources.files(__package__))) / "projections" / name
    card = EncoderCard.read(folder / "encoder.toml").model_copy(update={"model": str(folder)})
    return load_projected(card, dtype=dtype, device=device)
