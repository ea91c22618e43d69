"""Code-switching: replacing words by translations (arXiv 2305.05295), a baseline without cross-lingual batches.

The lexicon is read from a file or learned from the training table: a word and its translation are those whose occurrences in
the same rows have the highest Dice coefficient, mutually. Languages written without spaces between words (Chinese, Japanese,
Thai, ...) are skipped.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.atomic import write
from hybrid_bench.training.data.readers.reading import read_text
from hybrid_bench.training.data.sentences import WITHOUT_SPACES
from hybrid_bench.training.data.table import ParallelTable, Part

_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0dff][^\W\d_]*)*")


@dataclass(frozen=True)
class Lexicon:
    """Translations of single lower-cased words of one language: word to (language, translation) pairs, sorted by language."""

    language: str
    entries: Mapping[str, tuple[tuple[str, str], ...]]

    @classmethod
    def learn(
        cls,
        table: ParallelTable,
        language: str = "en",
        others: Sequence[str] | None = None,
        *,
        least_rows: int = 3,
        least_dice: float = 0.3,
    ) -> Lexicon:
        """Learn a lexicon from the questions and sentences of a table.

        Args:
            table: with rows in ``language`` and in other languages.
            language: the language of the words.
            others: the languages of the translations; None: all languages of the table.
            least_rows: rows in which a word, and a word with its translation, must occur.
            least_dice: the smallest Dice coefficient of a translation.

        Raises:
            HybridBenchError: if no word has a translation.
        """
        found: dict[str, list[tuple[str, str]]] = {}
        known = table.languages if others is None else [other for other in table.languages if other in others]
        others = [other for other in known if other != language and other not in WITHOUT_SPACES]
        parts: tuple[Part, ...] = ("question", "sentence")
        own = {part: _words(table, part, language) for part in parts}
        for other in others:
            pairs: dict[tuple[tuple[str, ...], tuple[str, ...]], None] = {}
            for part, mine in own.items():
                for left, right in zip(mine, _words(table, part, other), strict=True):
                    if left and right:
                        pairs[left, right] = None  # parallel sentences are in both parts; count them once
            for word, translation in _mutual(list(pairs), least_rows, least_dice):
                found.setdefault(word, []).append((other, translation))
        if not found:
            raise HybridBenchError(
                f"no word of {language!r} has a translation in the training data",
                "Code-switching needs rows in other languages with spaces between words, or a lexicon file.",
            )
        return cls(language, {word: tuple(found[word]) for word in sorted(found)})

    @classmethod
    def load(cls, path: Path, language: str = "en") -> Lexicon:
        """Read lines of ``word <tab> language <tab> translation``.

        Raises:
            HybridBenchError: if a line has another format, or there is none.
        """
        found: dict[str, list[tuple[str, str]]] = {}
        for number, line in enumerate(read_text(path).split("\n"), start=1):
            if not line.strip():
                continue
            fields = line.split("\t")
            if len(fields) != 3 or not all(field.strip() for field in fields):
                raise HybridBenchError(
                    f"{path}, line {number} is not word, language and translation, separated by tabs", "Correct the line."
                )
            found.setdefault(fields[0].lower(), []).append((fields[1], fields[2].strip()))
        if not found:
            raise HybridBenchError(f"{path} has no entry", "Write word, language and translation per line, separated by tabs.")
        return cls(language, {word: tuple(sorted(found[word])) for word in sorted(found)})

    def save(self, path: Path) -> None:
        """Write the format that :meth:`load` reads."""
        lines = (f"{word}\t{other}\t{text}\n" for word, pairs in self.entries.items() for other, text in pairs)
        write(path, "".join(lines).encode())

    def switch(self, text: str, random: np.random.Generator, probability: float) -> str:
        """Replace each word of the lexicon with this probability by a translation, drawn uniformly."""

        def one(match: re.Match[str]) -> str:
            choices = self.entries.get(match[0].lower())
            if not choices or random.random() >= probability:
                return match[0]
            return choices[int(random.integers(len(choices)))][1]

        return _WORD.sub(one, text)


def _words(table: ParallelTable, part: Part, language: str) -> list[tuple[str, ...]]:
    return [_distinct(text) for text in table.column(part, language)]


@functools.lru_cache(maxsize=4096)  # several questions share a sentence
def _distinct(text: str | None) -> tuple[str, ...]:
    return tuple(sorted({word.lower() for word in _WORD.findall(text)})) if text else ()


def _mutual(
    pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]], least_rows: int, least_dice: float
) -> list[tuple[str, str]]:
    """The word pairs with mutually the highest Dice coefficient: 2 * rows with both / (rows with one + rows with the other)."""
    if not pairs:
        return []
    left, left_words = _occurrences([pair[0] for pair in pairs], least_rows)
    right, right_words = _occurrences([pair[1] for pair in pairs], least_rows)
    if not left_words or not right_words:
        return []
    both = (left.T @ right).tocoo()
    counts = np.asarray(left.sum(axis=0)).ravel(), np.asarray(right.sum(axis=0)).ravel()
    dice = 2 * both.data / (counts[0][both.row] + counts[1][both.col])
    best = [np.zeros(len(left_words)), np.zeros(len(right_words))]
    np.maximum.at(best[0], both.row, dice)
    np.maximum.at(best[1], both.col, dice)
    kept = (dice >= least_dice) & (dice == best[0][both.row]) & (dice == best[1][both.col]) & (both.data >= least_rows)
    chosen: dict[str, str] = {}
    for row, col in sorted(zip(both.row[kept].tolist(), both.col[kept].tolist(), strict=True)):
        chosen.setdefault(left_words[row], right_words[col])  # ties: the alphabetically first
    return [(word, other) for word, other in chosen.items() if word != other]


def _occurrences(texts: Sequence[tuple[str, ...]], least: int) -> tuple[Any, list[str]]:
    """A sparse (texts, words) matrix with 1 where a text has a word, for words in at least ``least`` texts; and the words."""
    from collections import Counter

    from scipy.sparse import csr_matrix

    counts = Counter(word for text in texts for word in text)
    words = sorted(word for word, count in counts.items() if count >= least)
    number = {word: index for index, word in enumerate(words)}
    places = [(row, number[word]) for row, text in enumerate(texts) for word in text if word in number]
    if not places:
        return csr_matrix((len(texts), len(words)), dtype=np.int64), words
    rows, columns = np.array(places).T
    return csr_matrix((np.ones(len(places), np.int64), (rows, columns)), shape=(len(texts), len(words))), words
