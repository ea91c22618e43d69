"""The batch of every training step, as a function of the seed and the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import numpy as np

from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.training.batches.batch import Batch, Mode, NegativesLanguage
from hybrid_bench.training.batches.code_switching import Lexicon
from hybrid_bench.training.batches.pairs import LanguagePair, PairIndex
from hybrid_bench.training.batches.paragraph_negatives import ParagraphNegatives
from hybrid_bench.training.batches.plan import Share
from hybrid_bench.training.batches.rows import RowSampler
from hybrid_bench.training.batches.schedule import StreamSchedule
from hybrid_bench.training.batches.seeding import Purpose, generator
from hybrid_bench.training.batches.strategies import Strategy
from hybrid_bench.training.batches.streams import Stream, StreamTable
from hybrid_bench.training.batches.texts import BatchTexts, CodeSwitchedTexts
from hybrid_bench.training.data.table import ParallelTable


class Batches:
    """An endless sequence of batches of a table under a strategy, with random access by step.

    ``at(step)`` depends on the arguments and on the step only: resuming needs no state, and every process sees the same
    batch. No two examples of a batch share an id, or a question or passage in any language of the table, so no
    negative is a translation or a copy of the positive. Within a stream (a source and a language pair) rows are drawn
    without replacement until the remaining rows fill no batch.

    Args:
        table: the training data.
        strategy: the mix of batch kinds.
        batch_size: examples in a step, over all processes.
        seed: of all random draws.
        languages: the languages to draw from; all languages of the table by default.
        temperature: languages (or pairs of them) are drawn in proportion to (number of rows) ** (1 / temperature):
            infinity, the default and the paper's choice, is uniform; 1 is in proportion to their rows.
        source_weights: source to its share of the batches; by default in proportion to rows. See :func:`.plan.shares` for
            sources that cannot provide a batch kind.
        mode: ``batch`` or ``example``, see :data:`.Mode`. In both, a batch has one kind and one source.
        topical: the share of examples that are drawn together with others of their article: passages on one topic
            are harder negatives (topic-aware sampling, arXiv 2104.06967). 0, as in the paper, ignores articles.
        lexicon: for code-switched batches; learned from the table by default.
        switch_probability: the probability that a word of the lexicon is replaced, in code-switched batches.
        paragraph_negatives: sentences of its own paragraph that each example gets as hard negatives.
        negatives_language: of these: that of the ``passage``, that of the ``query``, or ``any``.

    Raises:
        HybridBenchError: if an argument is out of range, or the table lacks the data for the strategy, the languages or the
            batch size.
    """

    def __init__(
        self,
        table: ParallelTable,
        strategy: Strategy,
        batch_size: int,
        seed: int,
        *,
        languages: Sequence[str] | None = None,
        temperature: float = float("inf"),
        source_weights: Mapping[str, float] | None = None,
        mode: Mode = "batch",
        topical: float = 0.0,
        lexicon: Lexicon | None = None,
        switch_probability: float = 0.5,
        paragraph_negatives: int = 0,
        negatives_language: NegativesLanguage = "passage",
    ) -> None:
        _check_numbers(batch_size, temperature, topical, switch_probability)
        if mode not in get_args(Mode):
            raise UnknownNameError("batch mode", mode, get_args(Mode))
        drawn = _drawn_languages(strategy, languages)
        self.table = table
        self.strategy = strategy
        self.batch_size = batch_size
        self.seed = int(seed)  # NumPy integers may overflow in the arithmetic of seeding
        self.temperature = temperature
        self.mode = mode
        self.topical = topical
        self.switch_probability = switch_probability
        self._index = PairIndex.build(table, drawn)
        if strategy.alpha < 1 and len(self._index.languages) < 2:
            raise HybridBenchError(
                f"the strategy {strategy} needs pairs of languages, but there is only one language: {self._index.languages[0]}",
                "Add a language, or choose mono.",
            )
        self._streams = StreamTable(self._index, strategy, batch_size, mode, temperature, source_weights, drawn)
        self._texts = BatchTexts(table)
        if strategy.switched:
            switched = CodeSwitchedTexts(table, lexicon, self.languages[0], languages, switch_probability, self.seed)
            _ = switched.lexicon  # learned now, so that a table without translations fails before the training
            self._texts = switched
        self._negatives = None
        if paragraph_negatives:
            self._negatives = ParagraphNegatives(table, self._index, paragraph_negatives, negatives_language, self.seed)
        self._schedule = StreamSchedule(self._streams.probabilities, self.seed)
        self._sampler = RowSampler(self._index, self._streams.streams, batch_size, topical, self.seed)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that batches are drawn from."""
        return self._index.languages

    @property
    def pairs(self) -> list[LanguagePair]:
        """The language pairs that batches are drawn from, sorted."""
        return sorted({pair for stream in self._streams.streams for pair in stream.pairs})

    @property
    def shares(self) -> list[Share]:
        """The probability of every (source, kind)."""
        return self._streams.shares

    @property
    def too_small(self) -> list[tuple[str, LanguagePair, int]]:
        """(source, pair, examples) of pairs that have rows, but too few for a batch."""
        return self._streams.too_small

    def remarks(self) -> list[str]:
        """What the sources contain but no batch uses, one line per source."""
        return self._streams.remarks()

    def rows_of(self, pair: LanguagePair) -> np.ndarray:
        """The table rows that batches may use with this pair, ascending.  # (rows,) int64."""
        sources = {stream.source for stream in self._streams.streams if pair in stream.pairs}
        rows: np.ndarray = np.sort(np.concatenate([self._index.rows(source, pair) for source in sorted(sources)]))
        return rows

    def __iter__(self) -> Iterator[Batch]:
        return self.starting(0)

    def starting(self, step: int) -> Iterator[Batch]:
        """The batches from a step on, without end."""
        while True:
            yield self.at(step)
            step += 1

    def at(self, step: int) -> Batch:
        """The batch of a step.

        Raises:
            IndexError: if the step is negative.
        """
        if step < 0:
            raise IndexError(f"there is no step {step}")
        number, earlier = self._schedule.at(step)
        stream = self._streams.streams[number]
        rows = self._sampler.rows(number, earlier)
        single = len(stream.pairs) == 1
        pairs = stream.pairs * len(rows) if single else self._example_pairs(stream, rows, step)
        return Batch(step, stream.kind, stream.source, pairs, rows)

    def _example_pairs(self, stream: Stream, rows: np.ndarray, step: int) -> tuple[LanguagePair, ...]:
        """Draw a language pair for each row, among the pairs that the row has."""
        weights = self._streams.pair_weights(stream.source, stream.kind)
        has = np.stack([np.isin(rows, self._index.rows(stream.source, pair)) for pair in stream.pairs], axis=1)
        cumulative = np.cumsum(has * weights, axis=1)  # (rows, pairs)
        draws = generator(self.seed, Purpose.EXAMPLE_PAIRS, step).random(len(rows)) * cumulative[:, -1]
        chosen = np.argmax(cumulative > draws[:, None], axis=1)
        return tuple(stream.pairs[index] for index in chosen)

    def texts(self, batch: Batch) -> tuple[list[str], list[str]]:
        """The questions and the passages (sentences) of a batch: as in the table, or code-switched."""
        return self._texts.read(batch)

    def negatives(self, batch: Batch) -> list[list[str]]:
        """The hard negatives of a whole batch: columns with a text for every example; none if its source has no paragraphs."""
        return self._texts.negatives(self._negatives.draw(batch), batch) if self._negatives else []

    def originals(self, batch: Batch, language: str) -> tuple[list[str | None], list[str | None]]:
        """The questions and the passages of a batch's rows in one language; None where a row has none."""
        return self._texts.originals(batch, language)


def _check_numbers(batch_size: int, temperature: float, topical: float, switch_probability: float) -> None:
    if batch_size < 2:
        raise HybridBenchError(f"the batch size is {batch_size}", "A batch needs negatives: use at least 2 examples.")
    if not temperature > 0:
        raise HybridBenchError(f"the language temperature is {temperature}", "Use a number above 0, or inf.")
    if not 0 <= topical <= 1:
        raise HybridBenchError(f"the topical share is {topical}", "Use a number from 0 to 1.")
    if not 0 <= switch_probability <= 1:
        raise HybridBenchError(f"the switch probability is {switch_probability}", "Use a number from 0 to 1.")


def _drawn_languages(strategy: Strategy, languages: Sequence[str] | None) -> Sequence[str] | None:
    """The languages that batches are drawn from: the strategy's own language if it has one."""
    if strategy.language is None:
        return languages
    if languages is not None and strategy.language not in languages:
        raise HybridBenchError(
            f"the strategy {strategy} uses {strategy.language!r}, which is not among the languages",
            f"Add {strategy.language} to the languages, or choose another strategy.",
        )
    return (strategy.language,)
