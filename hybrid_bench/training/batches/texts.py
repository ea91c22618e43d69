"""Batch texts: the questions and passages of a batch, code-switched where the strategy asks for it."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from hybrid_bench.training.batches.batch import Batch
from hybrid_bench.training.batches.code_switching import Lexicon
from hybrid_bench.training.batches.seeding import Purpose, generator
from hybrid_bench.training.data.table import ParallelTable


class BatchTexts:
    """Reads the texts of batches from the table.

    Args:
        table: the training data.
    """

    def __init__(self, table: ParallelTable) -> None:
        self._table = table

    def read(self, batch: Batch) -> tuple[list[str], list[str]]:
        """The questions and the passages of a batch, in the order of its rows."""
        questions = [""] * len(batch.rows)
        passages = [""] * len(batch.rows)
        for pair in set(batch.pairs):
            places = [place for place, own in enumerate(batch.pairs) if own == pair]
            rows = batch.rows[places]
            found = (self._table.texts("question", pair.query, rows), self._table.texts("sentence", pair.passage, rows))
            for place, question, passage in zip(places, *found, strict=True):
                questions[place], passages[place] = question, passage
        return questions, passages

    def negatives(self, columns: list[list[str]], batch: Batch) -> list[list[str]]:
        """Hard negatives of a batch as they are read: with a text for every row in each column."""
        return columns

    def originals(self, batch: Batch, language: str) -> tuple[list[str | None], list[str | None]]:
        """The questions and the passages of the batch's rows in one language; None where a row has none."""
        return (
            self._table.texts_or_none("question", language, batch.rows),
            self._table.texts_or_none("sentence", language, batch.rows),
        )


class CodeSwitchedTexts(BatchTexts):
    """Reads the texts of batches and replaces words by translations from a lexicon.

    Args:
        table: the training data.
        lexicon: translations of words; None: learned from the table on first use.
        language: the language of the texts.
        others: languages of the translations; None: all languages of the table.
        probability: that a word of the lexicon is replaced.
        seed: of the draws.
    """

    def __init__(
        self,
        table: ParallelTable,
        lexicon: Lexicon | None,
        language: str,
        others: Sequence[str] | None,
        probability: float,
        seed: int,
    ) -> None:
        super().__init__(table)
        self._given = lexicon
        self._language = language
        self._others = others
        self._probability = probability
        self._seed = seed

    @functools.cached_property
    def lexicon(self) -> Lexicon:
        """The translations of words.

        Raises:
            HybridBenchError: if none was given and none can be learned from the table.
        """
        return self._given or Lexicon.learn(self._table, self._language, self._others)

    def read(self, batch: Batch) -> tuple[list[str], list[str]]:
        """The questions and the passages of a batch, code-switched."""
        questions, passages = super().read(batch)
        for place, row in enumerate(batch.rows.tolist()):
            # Seeded by row, not by place: a process's part of a batch has the same texts as the whole batch.
            random = generator(self._seed, Purpose.CODE_SWITCHING, batch.step, row)
            questions[place] = self.lexicon.switch(questions[place], random, self._probability)
            passages[place] = self.lexicon.switch(passages[place], random, self._probability)
        return questions, passages

    def negatives(self, columns: list[list[str]], batch: Batch) -> list[list[str]]:
        """Hard negatives of a batch, code-switched."""
        switched = []
        for number, column in enumerate(columns, start=1):
            randoms = [generator(self._seed, Purpose.CODE_SWITCHING, batch.step, row, number) for row in batch.rows.tolist()]
            pairs = zip(column, randoms, strict=True)
            switched.append([self.lexicon.switch(text, random, self._probability) for text, random in pairs])
        return switched
