"""When two texts count as the same: normalised text, and a number for it."""

from __future__ import annotations

import hashlib
import unicodedata


def normalised(text: str) -> str:
    """Compatibility forms, case and punctuation put aside: words with one space between them.

    Combining vowel signs (Thai, Hindi) are no punctuation: they are kept by turning every mark into part of its word.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_WORDS).split())


class _Words(dict[int, int]):
    """Letters, digits and marks as they are, everything else to a space; found out once a character."""

    def __missing__(self, code: int) -> int:
        kept = chr(code).isalnum() or unicodedata.category(chr(code))[0] == "M"
        self[code] = code if kept else ord(" ")
        return self[code]


_WORDS = _Words()


def text_key(text: str) -> int:
    """A 63-bit number of the normalised text; texts without a letter or digit are told apart as they are written."""
    plain = normalised(text) or text
    return int.from_bytes(hashlib.blake2b(plain.encode(), digest_size=8).digest(), "little") >> 1
