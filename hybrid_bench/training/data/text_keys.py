"""Text equality: normalisation, and a hash of the normalised text."""

from __future__ import annotations

import hashlib
import unicodedata


def normalised(text: str) -> str:
    """Words separated by single spaces, after NFKC normalisation and case folding, without punctuation.

    Combining marks, such as the vowel signs of Thai and Hindi, are kept as parts of words.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_WORDS).split())


class _WordCharacters(dict[int, int]):
    """A translation table that keeps letters, digits and marks, and maps other characters to a space; computed on demand."""

    def __missing__(self, code: int) -> int:
        kept = chr(code).isalnum() or unicodedata.category(chr(code))[0] == "M"
        self[code] = code if kept else ord(" ")
        return self[code]


_WORDS = _WordCharacters()


def text_key(text: str) -> int:
    """A 63-bit hash of the normalised text, or of the text itself if it has no letter or digit."""
    plain = normalised(text) or text
    return int.from_bytes(hashlib.blake2b(plain.encode(), digest_size=8).digest(), "little") >> 1
