"""The encoder class: the bag of character n-grams of a text, hashed into a short vector."""

from __future__ import annotations

import functools
import hashlib
import unicodedata
from collections.abc import Sequence
from importlib import resources

import numpy as np

from hybrid_bench import EncoderCard, HybridBenchError
from hybrid_bench.plugin import Role

_CARD = "encoder.toml"
_DIMENSION = 256
_LENGTHS = (1, 2, 3, 4)
#: Odd 64-bit constants for multiplicative hashing; the first is 2**64 divided by the golden ratio.
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)


class CharNgramEncoder:
    """Hashed character n-grams; queries and passages are encoded the same way.

    Args:
        dtype: ``fp32`` or ``auto``.
        device: ``cpu`` or ``auto``.

    Raises:
        HybridBenchError: on another dtype or device.
    """

    def __init__(self, *, dtype: str = "fp32", device: str = "auto") -> None:
        with resources.as_file(resources.files(__package__) / _CARD) as path:
            self.card = EncoderCard.read(path)
        for option, asked, only in (("dtype", dtype, self.dtype), ("device", device, self.device)):
            if asked not in ("auto", only):
                raise HybridBenchError(
                    f"{self.card.name} cannot compute with {option} {asked!r}", f"Omit --{option}, or use {only}."
                )

    @functools.cached_property
    def fingerprint(self) -> str:
        """The sha256 of this file: there are no weights, so the vectors depend only on the code."""
        return hashlib.sha256((resources.files(__package__) / "encoder.py").read_bytes()).hexdigest()

    @property
    def dtype(self) -> str:
        """``fp32``."""
        return "fp32"

    @property
    def device(self) -> str:
        """``cpu``."""
        return "cpu"

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Encode texts: (texts, 256) float32 of unit length. See :class:`hybrid_bench.Encoder`."""
        vectors = np.zeros((len(texts), _DIMENSION), np.float32)
        for row, text in enumerate(texts):
            vectors[row] = _vector(text)
        return vectors


def _vector(text: str) -> np.ndarray:
    """(256,) float64 of unit length."""
    # Spaces mark the start and end of the text, and ensure that an empty text has an n-gram.
    plain = f" {' '.join(unicodedata.normalize('NFKC', text).casefold().split())} "
    letters = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    vector = np.zeros(_DIMENSION)
    for length in _LENGTHS:
        if len(letters) < length:
            continue
        hashes, counts = np.unique(_hashes(letters, length), return_counts=True)
        signs = 1 - 2 * (hashes >> np.uint64(63)).astype(np.float64)
        # The square root dampens frequent n-grams.
        np.add.at(vector, (hashes >> np.uint64(55)) % _DIMENSION, signs * np.sqrt(counts))
    norm = float(np.linalg.norm(vector))
    if norm == 0:  # rare: all n-grams cancel out, and a zero vector cannot be normalised
        vector[0] = norm = 1.0
    unit: np.ndarray = vector / norm
    return unit


def _hashes(letters: np.ndarray, length: int) -> np.ndarray:
    """Hash every n-gram of a length: (letters - length + 1,) uint64. The high bits are the best distributed."""
    hashes = np.full(len(letters) - length + 1, length, np.uint64)
    for place in range(length):
        hashes = (hashes ^ letters[place : place + len(hashes)]) * _MULTIPLIERS[place]
        hashes ^= hashes >> np.uint64(29)
    mixed: np.ndarray = hashes * _MULTIPLIERS[0]
    return mixed
