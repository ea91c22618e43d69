"""The pictures that encoders of images are tested on; generated, always the same."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.images import Image
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    import PIL.Image

#: Width and height. Several shapes, so that batching by shape reorders them.
_SIZES = ((64, 64), (96, 48), (40, 80), (224, 224), (64, 64), (33, 65), (120, 90))

#: Kinds of images that a collection from the web contains: mode in Pillow, size, file format.
UNUSUAL = {
    "a single pixel": ("RGB", (1, 1), "PNG"),
    "a very wide picture": ("RGB", (1500, 6), "PNG"),
    "greyscale": ("L", (64, 48), "PNG"),
    "black and white": ("1", (64, 48), "PNG"),
    "a palette": ("P", (64, 48), "PNG"),
    "transparency": ("RGBA", (64, 48), "PNG"),
    "four colour channels of print (CMYK)": ("CMYK", (64, 48), "JPEG"),
}


@functools.cache
def pictures() -> tuple[Image, ...]:
    """Pictures of different sizes; the first occurs again as the last."""
    images = [_encode(_draw(seed, size), f"picture {seed}") for seed, size in enumerate(_SIZES)]
    return (*images, images[0])


@functools.cache
def changed_pictures() -> tuple[Image, ...]:
    """The pictures without the repeated one, each a little smaller and with noise."""
    rng = np.random.default_rng(len(_SIZES))
    changed = []
    for seed, size in enumerate(_SIZES):
        smaller = _draw(seed, size).resize((size[0] * 7 // 8, size[1] * 7 // 8))
        pixels = np.asarray(smaller).astype(np.int16)
        noisy = np.clip(pixels + rng.integers(-6, 7, pixels.shape), 0, 255).astype(np.uint8)
        changed.append(_encode(_from_array(noisy), f"changed picture {seed}"))
    return tuple(changed)


@functools.cache
def unusual(kind: str) -> Image:
    """A picture of one of the kinds of :data:`UNUSUAL`."""
    mode, size, file_format = UNUSUAL[kind]
    return _encode(_draw(100, size).convert(mode), kind, file_format)


def _draw(seed: int, size: tuple[int, int]) -> PIL.Image.Image:
    """Smooth patches of random colours, in RGB."""
    return _from_array(np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize(size)


def _from_array(pixels: np.ndarray) -> PIL.Image.Image:
    need("images", "the conformance test of an encoder of images", "PIL")
    import PIL.Image

    return PIL.Image.fromarray(pixels)


def _encode(picture: PIL.Image.Image, name: str, file_format: str = "PNG") -> Image:
    buffer = io.BytesIO()
    picture.save(buffer, file_format)
    return Image.from_bytes(buffer.getvalue(), name)
