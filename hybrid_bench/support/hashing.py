"""Hashes of files and of sequences of texts or images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

#: Stands where a text has its length, and is larger than any: no text has the digest of an image.
_IMAGE = b"\xff" * 8


class Hashed(Protocol):
    """Content that is identified by the sha256 of its bytes, such as :class:`hybrid_bench.Image`."""

    @property
    def sha256(self) -> str:
        """In hexadecimal."""


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal; empty if the file does not exist."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return digest.hexdigest()


class TextsDigest:
    """sha256 of a sequence of texts or images, unambiguous: different sequences have different digests.

    A text contributes its length and its UTF-8 bytes, an image a marker and its own sha256.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, contents: Iterable[str | Hashed]) -> None:
        """Add texts or images."""
        for content in contents:
            if isinstance(content, str):
                encoded = content.encode("utf-8", "surrogatepass")
                self._digest.update(len(encoded).to_bytes(8, "little"))
                self._digest.update(encoded)
            else:
                self._digest.update(_IMAGE + bytes.fromhex(content.sha256))

    def hexdigest(self) -> str:
        """The digest of everything added so far."""
        return self._digest.hexdigest()


def texts_hash(contents: Iterable[str | Hashed]) -> str:
    """The :class:`TextsDigest` of some texts or images, in order.

    Args:
        contents: texts, or objects with a hash of their content.

    Returns:
        64 hexadecimal digits.
    """
    digest = TextsDigest()
    digest.update(contents)
    return digest.hexdigest()
