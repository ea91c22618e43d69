"""Spans of parallel sentences as questions, so that sentences teach retrieval and not translation alone."""

from __future__ import annotations

import random
import unicodedata

from hybrid_bench.training.data.readers.reading import Reading
from hybrid_bench.training.data.sentences import UNPARTED
from hybrid_bench.training.data.table import ParallelRow

SHORT = "sentences too short for a span"

#: Of a sentence, the least and the largest share that is its span.
_SHARES = (0.3, 0.6)
_LEAST_UNITS = 9


def read(sentences: Reading, spans: int) -> Reading:
    """Make ``spans`` rows of each row of parallel sentences: the question is a span, the passage is its whole sentence.

    A span is 30 to 60 % of the words (of the characters, in languages without spaces), at the same place in every
    language, so about the same content: the same row is monolingual and cross-lingual pairs. A span of a text is a
    question with its answer without anyone's labels (inverse cloze task, arXiv 1906.00300; random cropping, arXiv 2112.09118).
    What is drawn depends on the row's id alone.

    Args:
        sentences: as :mod:`.sentence_pairs` reads them.
        spans: of a sentence, each a row of its own; their passages are the same, so they never meet in a batch.
    """
    reading = Reading([], sentences.left_out.copy())
    for row in sentences.rows:
        units = {language: _units(text, language) for language, text in row.sentence.items()}
        for language in [language for language, parts in units.items() if len(parts) < _LEAST_UNITS]:
            reading.left_out[language, SHORT] += 1
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
    """What a span is counted in; joined, they are the text with single spaces."""
    if language not in UNPARTED:
        return [f"{word} " for word in text.split()]
    units: list[str] = []
    for character in text:
        # A mark stays with the character that it is written on, and letters of another script with their word.
        in_word = units and (character + units[-1][-1]).isascii() and (character + units[-1][-1]).isalnum()
        if units and (in_word or unicodedata.category(character).startswith("M")):
            units[-1] += character
        else:
            units.append(character)
    return units
