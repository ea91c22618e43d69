"""Cutting a paragraph into sentences, by punctuation alone.

The rule. A sentence ends after a run of ``. ! ? …`` or of their kin in other scripts, together with the quotes and brackets
that close after it. Full stops that are written without a space behind them (``。 ！ ？ ।``) end a sentence wherever they
stand; the others do so before white space, unless the mark is a ``.`` and the next word begins in lower case, or the word
before it is one letter (an initial) or a common abbreviation. A line break ends a sentence too. Thai has no full stop: a
space between two Thai letters ends a sentence once the sentence has 60 characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Languages that write words without spaces between them.
UNPARTED = frozenset({"bo", "dz", "ja", "km", "lo", "my", "th", "zh"})

_CLOSING = "\"'”’»›」』）】〉》)\\]"
_END = re.compile(
    rf"""
    (?P<wide>[。！？｡।॥]+[{_CLOSING}]*)            # ends a sentence wherever it stands
    | (?P<mark>[.!?…؟۔;·‽]+[{_CLOSING}]*)(?=\s|$)  # ends one before white space
    | (?P<line>\n+)
    | (?P<thai>(?<=[\u0e00-\u0e7f])[ ]+(?=[\u0e00-\u0e7f]))
    """,
    re.VERBOSE,
)
#: ``;`` is a question mark in Greek, and ``·`` a semicolon there: neither ends a sentence of another script.
_GREEK = re.compile(r"[\u0370-\u03ff]")
_THAI_LENGTH = 60
_ABBREVIATIONS = frozenset({
    "adm", "approx", "bl", "ca", "capt", "cf", "co", "col", "corp", "cía", "d.h", "dept", "dr", "ed", "eds", "eg", "etc",
    "evtl", "fig", "figs", "fr", "gen", "gov", "inc", "ing", "jr", "kap", "lt", "ltd", "mio", "mr", "mrd", "mrs", "ms", "mt",
    "mts", "nr", "núm", "op", "pp", "prof", "pág", "rep", "rev", "sen", "sgt", "sr", "sra", "st", "ste", "str", "tel", "u.a",
    "u.s", "usw", "vgl", "vol", "vols", "vs", "z.b",
})  # fmt: skip


def spans(text: str) -> list[tuple[int, int]]:
    """The (start, end) of every sentence, without the white space between them; an empty text has none."""
    found = []
    start = 0
    for match in _END.finditer(text):
        if _ends(text, start, match):
            found.append((start, match.end()))
            start = match.end()
    found.append((start, len(text)))
    return [trimmed for span in found if (trimmed := _trimmed(text, *span))]


def holding(sentences: Sequence[tuple[int, int]], offset: int) -> tuple[int, int]:
    """Of the spans of a text, the one that holds a character; between two sentences, the one before."""
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
