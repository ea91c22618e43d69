"""The batch of every training step, as a function of the seed and the step alone."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.training.batches.code_switching import Lexicon
from hybrid_bench.training.batches.pairs import LanguagePair, PairIndex
from hybrid_bench.training.batches.plan import Share, checked_weights, shares
from hybrid_bench.training.batches.strategies import BatchKind, Strategy
from hybrid_bench.training.data.table import ParallelTable

#: ``batch``: one language pair a batch, as in the paper. ``example``: each example of a batch has a pair of its own.
Mode = Literal["batch", "example"]

#: Language pairs that a remark names.
_NAMED = 3
#: Steps whose sources and pairs are drawn together.
_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step trains on.

    Attributes:
        step: the number of the step, from 0.
        kind: of all its examples.
        source: where its rows are from.
        pairs: the (question, passage) languages of each example.
        rows: the row of the table of each example.  # (batch size,) int64
    """

    step: int
    kind: BatchKind
    source: str
    pairs: tuple[LanguagePair, ...]
    rows: np.ndarray

    def slice(self, rank: int, world: int) -> Batch:
        """The part of one of ``world`` processes; the parts are disjoint and make up the batch in the order of ranks."""
        if not 0 <= rank < world:
            raise HybridBenchError(f"there is no process {rank} among {world}")
        if len(self.rows) % world:
            raise HybridBenchError(
                f"a batch of {len(self.rows)} cannot be shared evenly by {world} processes",
                f"Make the batch size a multiple of {world}.",
            )
        size = len(self.rows) // world
        part = slice(rank * size, (rank + 1) * size)
        return Batch(self.step, self.kind, self.source, self.pairs[part], self.rows[part])


class Stream(NamedTuple):
    """Where a batch draws its rows: a source, a kind, and the language pairs that its examples may have."""

    source: str
    kind: BatchKind
    pairs: tuple[LanguagePair, ...]


class Batches:
    """Batches of a table under a strategy, by step, without end.

    ``at(step)`` depends on the arguments and on the step alone: resuming is free, and every process sees the same
    batch. No two examples of a batch share an id, or a question or passage in any language of the table, so that no
    negative is a translation or a copy of the positive. Within a stream (a source and a language pair) rows are drawn
    without replacement until the rest fills no batch.

    Args:
        table: the training data.
        strategy: which kinds of batches, and how often.
        batch_size: examples of a step, over all processes.
        seed: of everything that is drawn.
        languages: these alone; all of the table by default.
        temperature: languages (or pairs of them) are drawn in proportion to (number of rows) ** (1 / temperature):
            infinite, the default and the paper's choice, is uniform; 1 is in proportion to their rows.
        source_weights: source to its share of the batches; by default in proportion to rows. See :func:`plan.shares` for
            what happens where a source cannot give a kind.
        mode: ``batch`` or ``example``, see :data:`Mode`. In both, a batch is of one kind and one source.
        topical: the share of examples that are drawn together with the others of their article: passages on one topic
            are harder negatives (topic-aware sampling, arXiv 2104.06967). 0, as in the paper, draws all alike.
        lexicon: for code-switched batches; learned from the table where none is given.
        switch_probability: of each word that the lexicon has, in code-switched batches.

    Raises:
        HybridBenchError: if the strategy, the languages or the batch size ask for what the table does not have.
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
    ) -> None:
        if batch_size < 2:
            raise HybridBenchError(f"the batch size is {batch_size}", "A batch needs negatives: at least 2 examples.")
        if not temperature > 0:
            raise HybridBenchError(f"the temperature of languages is {temperature}", "Give a number above 0, or inf.")
        if mode not in get_args(Mode):
            raise UnknownNameError("mode of batches", mode, get_args(Mode))
        in_play = languages
        if strategy.language is not None:
            if languages is not None and strategy.language not in languages:
                raise HybridBenchError(
                    f"the strategy {strategy} is in {strategy.language!r}, which is not among the languages",
                    f"Add {strategy.language} to them, or choose another strategy.",
                )
            languages = (strategy.language,)
        self.table = table
        self.strategy = strategy
        self.batch_size = batch_size
        self.seed = int(seed)  # of NumPy's integers some cannot hold what is computed with it
        self.temperature = temperature
        self.mode = mode
        if not 0 <= topical <= 1:
            raise HybridBenchError(f"the topical share is {topical}", "Give a number from 0 to 1.")
        self.topical = topical
        self._lexicon = lexicon
        self._in_play = in_play
        if not 0 <= switch_probability <= 1:
            raise HybridBenchError(f"the probability of a switch is {switch_probability}", "Give a number from 0 to 1.")
        self.switch_probability = switch_probability
        self._index = PairIndex.of(table, languages)
        if strategy.alpha < 1 and len(self._index.languages) < 2:
            raise HybridBenchError(
                f"the strategy {strategy} needs pairs of languages, and there is one language: {self._index.languages[0]}",
                "Add a language, or choose mono.",
            )
        #: Pairs of a source that have rows, but too few for a batch: (source, pair, rows that can be in one batch).
        self.left_out: list[tuple[str, LanguagePair, int]] = []
        self._fill()
        by_source = {source: int(np.sum(self._index.source == number)) for number, source in enumerate(self._index.sources)}
        self._weights = weights = checked_weights(source_weights, by_source)
        if source_weights:
            self._check_sources(weights)
        able = {kind: {source for source, known in self._sizes if known == kind} for kind in get_args(BatchKind)}
        #: How often each source gives each kind.
        self.shares: list[Share] = shares(
            strategy.alpha,
            weights,
            able["monolingual"],
            able["cross-lingual"],
        )
        self._check_languages(languages)
        if strategy.switched:
            self._lexicon = self.lexicon  # learned now: it raises where no word has a translation
        #: Drawn so many batches of each stream in the blocks so far, and the streams of each block.
        self._blocks: list[tuple[np.ndarray, np.ndarray]] = []
        # Of this object and not of the class, so that they are gone with it.
        self._groups = functools.cache(self._make_groups)
        self._order = functools.lru_cache(maxsize=1024)(self._make_order)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in play."""
        return self._index.languages

    @property
    def pairs(self) -> list[LanguagePair]:
        """The language pairs that batches are drawn from, sorted."""
        return sorted({pair for stream, _ in self._streams for pair in stream.pairs})

    def rows_of(self, pair: LanguagePair) -> np.ndarray:
        """The rows of the table that a batch may take with this pair, ascending.  # (rows,) int64."""
        sources = {stream.source for stream, _ in self._streams if pair in stream.pairs}
        rows: np.ndarray = np.sort(np.concatenate([self._index.rows(source, pair) for source in sorted(sources)]))
        return rows

    def _fill(self) -> None:
        """Find the pairs of each source that can fill a batch; in the mode ``example`` they fill it together."""
        self._sizes: dict[tuple[str, BatchKind], dict[LanguagePair, int]] = {}
        for source in self._index.sources:
            for kind in get_args(BatchKind):
                pairs = [pair for pair in self._index.pairs() if pair.kind == kind]
                sizes = {pair: len(self._index.rows(source, pair)) for pair in pairs}
                sizes = {pair: size for pair, size in sizes.items() if size}
                room = {pair: self._index.groups(self._index.rows(source, pair)) for pair in sizes}
                if self.mode == "example" and sizes:
                    together = np.concatenate([self._index.rows(source, pair) for pair in sizes])
                    room = dict.fromkeys(sizes, self._index.groups(together))
                for pair, most in room.items():
                    if most < self.batch_size:
                        self.left_out.append((source, pair, most))
                        del sizes[pair]
                if sizes:
                    self._sizes[source, kind] = sizes
        if not self._sizes:
            most = max((room for _, _, room in self.left_out), default=0)
            raise HybridBenchError(
                f"a batch of {self.batch_size} cannot be drawn without a repeat: {most} examples at most can be in one batch",
                "Make the batch smaller or add data.",
            )

    def _short(self) -> dict[str, list[tuple[LanguagePair, int]]]:
        """Source to its pairs of the strategy's kinds that have too few rows for a batch."""
        found: dict[str, list[tuple[LanguagePair, int]]] = {}
        for source, pair, room in self.left_out:
            if pair.kind in self.strategy.kinds:
                found.setdefault(source, []).append((pair, room))
        return found

    def remarks(self) -> list[str]:
        """What is not drawn though the sources have it, a line each source: too few rows, or no pair of the strategy's kinds."""
        short = self._short()
        weighted = {source for source, weight in self._weights.items() if weight > 0}
        idle = sorted(weighted - {share.source for share in self.shares} - short.keys())
        kinds = " or ".join(self.strategy.kinds)
        return [
            f"{source} has no {kinds} pairs of these languages and is not drawn; the other sources take its share"
            for source in idle
        ] + [
            f"{len(pairs)} language pairs of {source} have too few rows for a batch of {self.batch_size} and are not drawn: "
            + ", ".join(f"{pair} has {room}" for pair, room in pairs[:_NAMED])
            + (", ..." if len(pairs) > _NAMED else "")
            for source, pairs in short.items()
        ]

    def _check_sources(self, weights: Mapping[str, float]) -> None:
        """A source that was given a weight has to be in some batch, unless it has nothing of the strategy's kinds."""
        drawn = {source for source, kind in self._sizes if kind in self.strategy.kinds}
        for source, short in self._short().items():
            if weights[source] > 0 and source not in drawn:
                pair, room = max(short, key=lambda one: one[1])
                raise HybridBenchError(
                    f"no batch of {self.batch_size} can be drawn from {source}: {pair} has {room} examples that can be in one",
                    "Leave the source out, make the batch smaller, or add data.",
                )

    def _check_languages(self, asked: Sequence[str] | None) -> None:
        """A language that was asked for by name has to be in some batch."""
        drawn = {language for share in self.shares for pair in self._sizes[share.source, share.kind] for language in pair}
        for language in asked or ():
            if language not in drawn:
                short = [f"{pair} of {source} has {room}" for source, pair, room in self.left_out if language in pair]
                why = f"too few rows for a batch of {self.batch_size}: {short[0]}" if short else "no pair that is drawn has it"
                raise HybridBenchError(
                    f"no batch of the strategy {self.strategy} can be in {language!r}: {why}",
                    f"Leave {language} out, make the batch smaller, or add data.",
                )

    @functools.cached_property
    def _streams(self) -> list[tuple[Stream, float]]:
        """Every stream with its probability."""
        found = []
        for share in self.shares:
            sizes = self._sizes[share.source, share.kind]
            if self.mode == "example":
                found.append((Stream(share.source, share.kind, tuple(sizes)), share.probability))
                continue
            for pair, weight in zip(sizes, self._pair_weights(share.source, share.kind), strict=True):
                found.append((Stream(share.source, share.kind, (pair,)), share.probability * weight))
        return found

    def _pair_weights(self, source: str, kind: BatchKind) -> np.ndarray:
        """(pairs,) float64, adding up to 1."""
        counts = np.array(list(self._sizes[source, kind].values()), dtype=np.float64)
        weights: np.ndarray = np.exp(np.log(counts / counts.max()) / self.temperature)
        weights /= weights.sum()
        return weights

    def _random(self, *keys: int) -> np.random.Generator:
        return np.random.default_rng([self.seed % 2**63, self.seed < 0, *keys])

    def _block(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """(streams of the steps of a block, how many batches each stream gave before it)."""
        probabilities = np.array([probability for _, probability in self._streams])
        probabilities /= probabilities.sum()
        while len(self._blocks) <= number:
            if self._blocks:
                streams, before = self._blocks[-1]
                before = before + np.bincount(streams, minlength=len(probabilities))
            else:
                before = np.zeros(len(probabilities), dtype=np.int64)
            random = self._random(0, len(self._blocks))
            streams = random.choice(len(probabilities), size=_BLOCK, p=probabilities).astype(np.int32)
            self._blocks.append((streams, before))
        return self._blocks[number]

    def __iter__(self) -> Iterator[Batch]:
        return self.starting(0)

    def starting(self, step: int) -> Iterator[Batch]:
        """The batches from a step on, without end."""
        while True:
            yield self.at(step)
            step += 1

    def at(self, step: int) -> Batch:
        """The batch of a step."""
        if step < 0:
            raise IndexError(f"there is no step {step}")
        streams, before = self._block(step // _BLOCK)
        place = step % _BLOCK
        number = int(streams[place])
        turn = int(before[number]) + int(np.count_nonzero(streams[:place] == number))
        stream = self._streams[number][0]
        rows = self._rows(number, turn)
        single = len(stream.pairs) == 1
        pairs = stream.pairs * len(rows) if single else self._example_pairs(stream, rows, step)
        return Batch(step, stream.kind, stream.source, pairs, rows)

    def _rows(self, number: int, turn: int) -> np.ndarray:
        """The rows of the ``turn``-th batch of a stream."""
        members, starts = self._groups(number)
        batches = len(starts) // self.batch_size
        epoch, place = divmod(turn, batches)
        order = self._order(number, epoch)
        chosen = order[place * self.batch_size : (place + 1) * self.batch_size]
        ends = np.append(starts[1:], len(members))[chosen]
        # A group takes part once an epoch, each time with the next of its rows.
        rows: np.ndarray = members[starts[chosen] + (chosen + epoch) % (ends - starts[chosen])]
        return rows

    def _make_groups(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """(the rows of a stream, ordered by group; where each group starts)."""
        stream = self._streams[number][0]
        rows = np.unique(np.concatenate([self._index.rows(stream.source, pair) for pair in stream.pairs]))
        order = np.argsort(self._index.group[rows], kind="stable")
        starts = np.unique(self._index.group[rows][order], return_index=True)[1]
        return rows[order].astype(np.int32), starts.astype(np.int32)

    def _make_order(self, number: int, epoch: int) -> np.ndarray:
        """The order in which an epoch of a stream takes its groups."""
        random = self._random(1, _number(self._streams[number][0]), epoch)
        members, starts = self._groups(number)
        if not self.topical:
            return random.permutation(len(starts)).astype(np.int32)
        # Every article has a place, and every group one of its own or its article's.
        articles = self._index.article[members[starts]]
        places = random.random(int(self._index.article.max()) + 1)[articles]
        alone = random.random(len(starts)) >= self.topical
        places[alone] = random.random(int(alone.sum()))
        return np.lexsort((random.random(len(starts)), places)).astype(np.int32)

    def _example_pairs(self, stream: Stream, rows: np.ndarray, step: int) -> tuple[LanguagePair, ...]:
        """A pair for each row, among those that the row has."""
        weights = self._pair_weights(stream.source, stream.kind)
        has = np.stack([np.isin(rows, self._index.rows(stream.source, pair)) for pair in stream.pairs], axis=1)
        reach = np.cumsum(has * weights, axis=1)  # (rows, pairs)
        draws = self._random(2, step).random(len(rows)) * reach[:, -1]
        chosen = np.argmax(reach > draws[:, None], axis=1)
        return tuple(stream.pairs[index] for index in chosen)

    def texts(self, batch: Batch) -> tuple[list[str], list[str]]:
        """The questions and the passages (sentences) of a batch: as they are in the table, or code-switched."""
        questions = [""] * len(batch.rows)
        passages = [""] * len(batch.rows)
        for pair in set(batch.pairs):
            places = [place for place, own in enumerate(batch.pairs) if own == pair]
            rows = batch.rows[places]
            found = (self.table.texts("question", pair.query, rows), self.table.texts("sentence", pair.passage, rows))
            for place, question, passage in zip(places, *found, strict=True):
                questions[place], passages[place] = question, passage
        if self.strategy.switched:
            for place, row in enumerate(batch.rows.tolist()):
                # By row and not by place: a process's part of a batch has the texts of the whole.
                random = self._random(3, batch.step, row)
                questions[place] = self.lexicon.switched(questions[place], random, self.switch_probability)
                passages[place] = self.lexicon.switched(passages[place], random, self.switch_probability)
        return questions, passages

    @functools.cached_property
    def lexicon(self) -> Lexicon:
        """The translations of words that code-switched batches take."""
        return self._lexicon or Lexicon.learned(self.table, self.languages[0], self._in_play)


def _number(stream: Stream) -> int:
    """A number of its own for each stream: what another stream draws does not depend on it."""
    name = " ".join((stream.source, stream.kind, *map(str, stream.pairs)))
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "little")
