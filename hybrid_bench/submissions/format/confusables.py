"""Texts that look alike: the confusables of Unicode TR39, and pairs of ASCII letters that resemble another letter."""

from __future__ import annotations

import functools
import re
import unicodedata

#: ASCII letters that together look like another one.
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
#: A 0 or 1 that stands for a letter of a word; digits of numbers, sizes and versions (v1, 10b, 1.5) do not.
_LETTER_LIKE = re.compile(r"(?<=[a-z]{2})[01](?![0-9]|[._+-][0-9])|(?<![0-9])(?<![0-9][._+-])[01](?=[a-z]{2})")
#: A word, in which i and l are told apart with difficulty; in a code of two letters (vi, vl) they are not.
_WORD = re.compile(r"[a-z]{3,}")
#: Separators, except between digits.
_SEPARATORS = re.compile(r"(?<![0-9])[._+-]+|[._+-]+(?![0-9])")


def latin(text: str) -> str:
    """Replace letters by the ASCII letter that they are confusable with, if there is one (Unicode TR39)."""
    return "".join(map(_latin, unicodedata.normalize("NFKC", text)))


@functools.lru_cache(maxsize=4096)
def _latin(character: str) -> str:
    from confusable_homoglyphs.confusables import confusables_data

    if character.isascii():
        return character
    return next((one["c"] for one in confusables_data.get(character, ()) if one["c"].isascii() and one["c"].isalpha()), character)


def forms(name: str) -> frozenset[str]:
    """Reduced forms of a name; two names are confusable if they share one.

    Letters are compared by appearance, without regard to case and separators: ``rnicrosoft`` is ``microsoft``, ``Al2`` is
    ``AI2``. Digits are compared as such: ``embedding-4b`` is not ``embedding-8b``, and ``v1`` is not ``vl``.
    """
    lower = latin(name).lower()
    return frozenset({_joined(lower), _reduced(lower), _reduced(latin(name).replace("I", "l").lower())})


def _reduced(text: str) -> str:
    text = _LETTER_LIKE.sub(lambda digit: "ol"[int(digit[0])], text)
    for pair, one in _PAIRS:
        text = text.replace(pair, one)
    return _joined(_WORD.sub(lambda word: word[0].replace("i", "l"), text))


def _joined(text: str) -> str:
    return re.sub(r"[._+-]+", "-", _SEPARATORS.sub("", text))
