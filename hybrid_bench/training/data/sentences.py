"""Rule-based sentence segmentation by punctuation.

The rule: a sentence ends after a run of ``. ! ? …`` or the equivalent marks of other scripts, and the closing quotes and
brackets after it. Marks that are written without a following space (``。 ！ ？ ।``) always end a sentence; the others do so
before white space, unless the mark is a ``.`` and the next word begins in lower case, or the word before it is one letter
(an initial) or a common abbreviation. A line break also ends a sentence. Thai has no full stop: a space between two Thai
letters ends a sentence of at least 60 characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Languages written without spaces between words.
WITHOUT_SPACES = frozenset({"bo", "dz", "ja", "km", "lo", "my", "th", "zh"})

_CLOSING = "\"'”’»›」』）】〉》)\\]"
_END = re.compile(
    rf"""
    (?P<wide>[。！？｡।॥]+[{_CLOSING}]*)            # always ends a sentence
    | (?P<mark>[.!?…؟۔;·‽]+[{_CLOSING}]*)(?=\s|$)  # ends a sentence before white space
    | (?P<line>\n+)
    | (?P<thai>(?<=[\u0e00-\u0e7f])[ ]+(?=[\u0e00-\u0e7f]))
    """,
    re.VERBOSE,
)
#: ``;`` is a question mark in Greek, and ``·`` a semicolon there: neither ends a sentence in another script.
_GREEK = re.compile(r"[\u0370-\u03ff]")
_THAI_LENGTH = 60
_ABBREVIATIONS = frozenset({
    "adm", "approx", "bl", "ca", "capt", "cf", "co", "col", "corp", "cía", "d.h", "dept", "dr", "ed", "eds", "eg", "etc",
    "evtl", "fig", "figs", "fr", "gen", "gov", "inc", "ing", "jr", "kap", "lt", "ltd", "mio", "mr", "mrd", "mrs", "ms", "mt",
    "mts", "nr", "núm", "op", "pp", "prof", "pág", "rep", "rev", "sen", "sgt", "sr", "sra", "st", "ste", "str", "tel", "u.a",
    "u.s", "usw", "vgl", "vol", "vols", "vs", "z.b",
})  # fmt: skip


def spans(text: str) -> list[tuple[int, int]]:
    """The (start, end) of every sentence, without surrounding white space; none for an empty text."""
    found = []
    start = 0
    for match in _END.finditer(text):
        if _ends(text, start, match):
            found.append((start, match.end()))
            start = match.end()
    found.append((start, len(text)))
    return [trimmed for span in found if (trimmed := _trimmed(text, *span))]


def containing(sentences: Sequence[tuple[int, int]], offset: int) -> tuple[int, int]:
    """The sentence span that contains a character offset; between two sentences, the first of them."""
    return max((span for span in sentences if span[0] <= offset), default=sentences[0])


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    if match["wide"] or match["line"]:
        return True
    if match["thai"]:
        return match.start() - start >= _THAI_LENGTH
    mark = match["mark"]
    if mark[0] in ";·":
        return mark[0] == ";" and bool(_GREEK.search(text[start : match.start()]))
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    following = text[match.end() :].lstrip()[:1]
    last = re.split(r"[\s(\"'’-]", text[start : match.start()])[-1]
    initial = len(last) == 1 and last.isupper()
    return not (following.islower() or initial or last.lower() in _ABBREVIATIONS)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end]
    inner = piece.strip()
    if not inner:
        return None
    first = start + len(piece) - len(piece.lstrip())
    return first, first + len(inner)
