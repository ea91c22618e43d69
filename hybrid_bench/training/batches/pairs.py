"""The (question, passage) language pairs of a table, and the groups of rows that must not share a batch."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.batches.strategies import BatchKind
from hybrid_bench.training.data.table import ParallelTable, Part
from hybrid_bench.training.data.text_keys import text_key

_NONE = -1


class LanguagePair(NamedTuple):
    """The language of the question and that of the passage."""

    query: str
    passage: str

    @property
    def kind(self) -> BatchKind:
        """Monolingual if both languages are the same, else cross-lingual."""
        return "monolingual" if self.query == self.passage else "cross-lingual"

    def __str__(self) -> str:
        return f"{self.query}-{self.passage}"


@dataclass(frozen=True)
class PairIndex:
    """An index of a table for sampling, in which texts are represented by hashes, and missing texts by -1.

    A pair is a question in one language and the passage of the same row in the same or another language, unless both are the
    same text: a row of parallel sentences, whose question and passage are the same sentence, has cross-lingual pairs only.

    Attributes:
        languages: the languages to draw from.
        questions, passages: language to the hash of each row's text.  # (rows,) int64
        group: rows with the same number must not share a batch: they share an id, or a question or passage in some
            language.  # (rows,) int64, 0 to groups - 1
        article: the number of each row's article; a row without article has its own number.  # (rows,) int64
        source: the index of each row's source in ``sources``.  # (rows,) int64
        sources: the names of the sources.
    """

    languages: tuple[str, ...]
    questions: dict[str, np.ndarray]
    passages: dict[str, np.ndarray]
    group: np.ndarray
    article: np.ndarray
    source: np.ndarray
    sources: tuple[str, ...]

    @classmethod
    def build(cls, table: ParallelTable, languages: Sequence[str] | None = None) -> PairIndex:
        """Index a table. Rows are grouped by the texts of all its languages, whichever are drawn from.

        Raises:
            HybridBenchError: if there is no language, or the table has no data in one.
        """
        chosen = tuple(dict.fromkeys(languages)) if languages is not None else table.languages
        if not chosen:
            raise HybridBenchError("there is no language to train on", "Name at least one, or omit the option to use all.")
        for language in chosen:
            if language not in table.languages:
                raise HybridBenchError(
                    f"the training data have nothing in {language!r}",
                    f"They have {', '.join(table.languages)}; remove {language} or add a source that has it.",
                )
        questions = {language: _keys(table, "question", language) for language in table.languages}
        passages = {language: _keys(table, "sentence", language) for language in table.languages}
        ids = np.fromiter((text_key(f"id {row_id}") for row_id in table.key_column("id")), np.int64, len(table))
        group = _components([ids, *questions.values(), *passages.values()])
        names = table.sources
        number = {name: index for index, name in enumerate(names)}
        source = np.fromiter((number[name] for name in table.key_column("source")), np.int64, len(table))
        return cls(
            chosen,
            {language: keys for language, keys in questions.items() if language in chosen},
            {language: keys for language, keys in passages.items() if language in chosen},
            group,
            _articles(table),
            source,
            names,
        )

    def pairs(self) -> list[LanguagePair]:
        """Every ordered pair of the languages, with or without rows."""
        return [LanguagePair(*both) for both in itertools.product(self.languages, repeat=2)]

    @functools.cached_property
    def _rows(self) -> dict[tuple[str, LanguagePair], np.ndarray]:
        found = {}
        for pair in self.pairs():
            question, passage = self.questions[pair.query], self.passages[pair.passage]
            rows = np.flatnonzero((question != _NONE) & (passage != _NONE) & (question != passage))
            for number, name in enumerate(self.sources):
                found[name, pair] = rows[self.source[rows] == number]
        return found

    def rows(self, source: str, pair: LanguagePair) -> np.ndarray:
        """The rows of a source that have this pair, ascending."""
        return self._rows[source, pair]

    def has_kind(self, kind: BatchKind) -> np.ndarray:
        """A mask of the rows that have a pair of this kind.  # (rows,) bool."""
        found = np.zeros(len(self.group), dtype=bool)
        for (_, pair), rows in self._rows.items():
            if pair.kind == kind:
                found[rows] = True
        return found

    def count_groups(self, rows: np.ndarray) -> int:
        """The number of groups of these rows, which is the largest number of them that can share a batch."""
        return len(np.unique(self.group[rows]))


def _keys(table: ParallelTable, part: Part, language: str) -> np.ndarray:
    texts = table.column(part, language)
    return np.fromiter((_NONE if text is None else text_key(text) for text in texts), np.int64, len(table))


def _articles(table: ParallelTable) -> np.ndarray:
    numbers: dict[tuple[str, ...], int] = {}
    named = zip(table.key_column("source"), table.key_column("article"), table.key_column("id"), strict=True)
    keys = ((source, article) if article else (source, "", row_id) for source, article, row_id in named)
    return np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.int64, len(table))


def _components(keys: Sequence[np.ndarray]) -> np.ndarray:
    """Number the connected components of rows, where two rows are connected if they have a key in common."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows = len(keys[0])
    present = [np.flatnonzero(column != _NONE) for column in keys]
    values = np.concatenate([column[there] for column, there in zip(keys, present, strict=True)])
    owners = np.concatenate(present)
    distinct, code = np.unique(values, return_inverse=True)
    nodes = rows + len(distinct)
    graph = coo_matrix((np.ones(len(owners), np.int8), (owners, rows + code)), shape=(nodes, nodes))
    labels = connected_components(graph, directed=False)[1][:rows]
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
