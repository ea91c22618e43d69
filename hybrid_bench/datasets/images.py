"""Images as encoder inputs: opened when they are needed, identified by the sha256 of their bytes."""

from __future__ import annotations

import functools
import hashlib
import io
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    import PIL.Image

#: What a collection or a query set consists of, and what an encoder can read.
Modality = Literal["text", "image"]


@dataclass(frozen=True, eq=False)
class Image:
    """An encoded image (PNG, JPEG, ...), as a file or as bytes.

    Build it with :meth:`from_path` or :meth:`from_bytes`. Two images are equal if their bytes are, so that comparing images,
    or using them in a set, reads their files. Images can be pickled; one that is a file is pickled as its absolute path.

    Attributes:
        name: what errors call it.
    """

    name: str
    _path: Path | None = field(default=None, repr=False)
    _content: bytes | None = field(default=None, repr=False)

    @classmethod
    def from_path(cls, path: str | Path) -> Image:
        """An image file; nothing is read until the image is used."""
        return cls(str(path), _path=Path(path).absolute())

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "image") -> Image:
        """The content of an image file.

        Args:
            content: an encoded image such as a PNG file, not pixels.
            name: what errors call it.
        """
        return cls(name, _content=bytes(content))

    def read(self) -> bytes:
        """The bytes of the file, not decoded.

        Raises:
            HybridBenchError: if the file cannot be read.
        """
        if self._content is not None:
            return self._content
        assert self._path is not None  # noqa: S101 - either is set, see the two constructors
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise HybridBenchError(
                f"cannot read the image {self.name}: {error.strerror or error}", "Check the path, and that the file is readable."
            ) from error

    @functools.cached_property
    def sha256(self) -> str:
        """The sha256 of the file's bytes, in hexadecimal; the file is read once for it.

        Raises:
            HybridBenchError: if the file cannot be read.
        """
        return hashlib.sha256(self.read()).hexdigest()

    def open(self) -> PIL.Image.Image:
        """Decode the image with Pillow: all its pixels, in the mode of the file (``RGB``, ``L``, ``P``, ...).

        Raises:
            HybridBenchError: if Pillow is not installed, or the file is missing, truncated or not an image.
        """
        need("images", "an image", "PIL")
        import PIL.Image

        content = self.read()
        try:
            with warnings.catch_warnings():  # of half the size at which Pillow refuses an image, and of damaged metadata
                warnings.simplefilter("ignore")
                opened = PIL.Image.open(io.BytesIO(content))
                opened.load()
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise errors of many types for corrupt files
            raise HybridBenchError(
                f"cannot decode the image {self.name}: {_reason(error)}",
                "It may be truncated, or not an image. Replace the file or remove it from the collection.",
            ) from error
        return opened

    def rgb(self) -> PIL.Image.Image:
        """Decode the image as models read it: the first frame, rotated as its EXIF data say, in 8-bit RGB.

        Transparency is dropped, as by other libraries; of more than 8 bits a channel the upper 8 are kept.

        Raises:
            HybridBenchError: as :meth:`open`, and if it has pixels without a stated range (floating point).
        """
        from PIL import ImageOps

        opened = self.open()
        try:
            upright = ImageOps.exif_transpose(opened)
            if upright.mode.startswith("I"):
                upright = _upper_byte(upright)
            elif upright.mode == "P":
                upright = upright.convert("RGBA")  # its transparency may be a single colour, which RGB alone cannot convert
            elif upright.mode == "F":
                raise ValueError("its pixels are floating point numbers without a stated range")
            return upright.convert("RGB")
        except MemoryError:
            raise
        except Exception as error:  # Pillow raises errors of many types for damaged metadata and rare modes
            raise HybridBenchError(
                f"cannot convert the image {self.name} to RGB: {_reason(error)}", "Save it as PNG or JPEG, in 8 bits a channel."
            ) from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Image):
            return NotImplemented
        return self is other or self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)


#: What an encoder reads.
Input = str | Image


def modality_of(inputs: Iterable[object]) -> Modality:
    """The modality of some inputs; ``text`` if there are none.

    Args:
        inputs: texts or images.

    Returns:
        ``text`` or ``image``.

    Raises:
        HybridBenchError: if there are texts and images among them, or something else.
    """
    kinds = {Image if isinstance(item, Image) else str if isinstance(item, str) else type(item) for item in inputs}
    if kinds <= {str}:
        return "text"
    if kinds == {Image}:
        return "image"
    raise HybridBenchError(
        f"inputs to encode are of the types {', '.join(sorted(kind.__name__ for kind in kinds))}",
        "Encode texts (str) or images (hybrid_bench.Image), one kind per call.",
    )


def _upper_byte(image: PIL.Image.Image) -> PIL.Image.Image:
    """The upper 8 of 16 bits; Pillow itself would cut larger values off."""
    import numpy as np
    import PIL.Image

    pixels = np.asarray(image).astype(np.int64)
    if pixels.min(initial=0) < 0 or pixels.max(initial=0) > 0xFFFF:
        raise ValueError("its pixels have more than 16 bits")
    return PIL.Image.fromarray((pixels >> 8).astype(np.uint8), "L")


def _reason(error: Exception) -> str:
    if type(error).__name__ == "UnidentifiedImageError":  # its message is the address of a buffer
        return "not in an image format that Pillow knows"
    return str(error) or type(error).__name__
