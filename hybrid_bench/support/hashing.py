"""Hashes of files and of lists of texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def sha256(path: Path) -> str:
    """The hash of a file; empty if there is none."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return digest.hexdigest()


class TextsDigest:
    """sha256 of texts in order, each with its length, so that no two lists of texts share it."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, texts: Iterable[str]) -> None:
        """Add texts."""
        for text in texts:
            encoded = text.encode("utf-8", "surrogatepass")
            self._digest.update(len(encoded).to_bytes(8, "little"))
            self._digest.update(encoded)

    def hexdigest(self) -> str:
        """Of all texts so far."""
        return self._digest.hexdigest()


def texts_hash(texts: Iterable[str]) -> str:
    """The :class:`TextsDigest` of texts."""
    digest = TextsDigest()
    digest.update(texts)
    return digest.hexdigest()
