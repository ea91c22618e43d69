"""Spans of parallel sentences as questions, so that parallel sentences give monolingual pairs too."""

from __future__ import annotations

import random
import unicodedata

from hybrid_bench.training.data.readers.reading import ReadResult
from hybrid_bench.training.data.sentences import WITHOUT_SPACES
from hybrid_bench.training.data.table import ParallelRow

SHORT = "sentences too short for a span"

#: The smallest and the largest share of a sentence that a span covers.
_SHARES = (0.3, 0.6)
#: Words or characters of the shortest sentence that is used.
_LEAST_UNITS = 9


def read(sentences: ReadResult, spans: int) -> ReadResult:
    """Make ``spans`` rows of each row of parallel sentences: the question is a span of the sentence, the passage the sentence.

    A span is 30 to 60 % of the words (of the characters, in languages without spaces), at the same relative position in every
    language, so its content is about the same: a row has monolingual and cross-lingual pairs. Spans as questions need no
    labels (inverse cloze task, arXiv 1906.00300; random cropping, arXiv 2112.09118). The draw depends on the row's id only.

    Args:
        sentences: the result of :mod:`.sentence_pairs`.
        spans: rows per sentence; they share a passage, so they are never in the same batch.
    """
    reading = ReadResult([], sentences.skipped.copy())
    for row in sentences.rows:
        units = {language: _units(text, language) for language, text in row.sentence.items()}
        for language in [language for language, parts in units.items() if len(parts) < _LEAST_UNITS]:
            reading.skipped[language, SHORT] += 1
            del units[language]
        if not units:
            continue
        passages = {language: row.sentence[language] for language in units}
        for number in range(1, spans + 1):
            name = f"{row.id}.{number}"
            drawn = random.Random(name)  # noqa: S311 - nothing is secret
            share = drawn.uniform(*_SHARES)
            start = drawn.uniform(0, 1 - share)
            questions = {
                language: "".join(parts[round(start * len(parts)) : round((start + share) * len(parts))]).strip()
                for language, parts in units.items()
            }
            reading.rows.append(ParallelRow(name, row.source, row.article, questions, dict(passages)))
    return reading


def _units(text: str, language: str) -> list[str]:
    """The words or characters of a text; concatenated, they are the text with single spaces."""
    if language not in WITHOUT_SPACES:
        return [f"{word} " for word in text.split()]
    units: list[str] = []
    for character in text:
        # Keep a combining mark with its base character, and ASCII letters and digits with their word.
        in_word = units and (character + units[-1][-1]).isascii() and (character + units[-1][-1]).isalnum()
        if units and (in_word or unicodedata.category(character).startswith("M")):
            units[-1] += character
        else:
            units.append(character)
    return units
