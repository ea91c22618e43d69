"""When two texts count as the same: normalised text, and a number for it."""

from __future__ import annotations

import hashlib
import unicodedata


def normalised(text: str) -> str:
    """Compatibility forms, case and punctuation put aside: words with one space between them.

    Combining vowel signs (Thai, Hindi) are no punctuation: they are kept by turning every mark into part of its word.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in folded)
    return " ".join(kept.split())


def text_key(text: str) -> int:
    """A 63-bit number of the normalised text; texts without a letter or digit are told apart as they are written."""
    plain = normalised(text) or text
    return int.from_bytes(hashlib.blake2b(plain.encode(), digest_size=8).digest(), "little") >> 1
