"""Streams: which (source, batch kind, language pairs) can fill batches, and how likely each one is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.batches.batch import Mode
from hybrid_bench.training.batches.pairs import LanguagePair, PairIndex
from hybrid_bench.training.batches.plan import Share, checked_weights, shares
from hybrid_bench.training.batches.strategies import BatchKind, Strategy

#: Language pairs that a remark lists by name.
_NAMED_PAIRS = 3


class Stream(NamedTuple):
    """Where a batch draws its rows from: a source, a kind, and the language pairs that its examples may have."""

    source: str
    kind: BatchKind
    pairs: tuple[LanguagePair, ...]

    @property
    def number(self) -> int:
        """A 48-bit hash that identifies the stream, so that its draws do not depend on which other streams exist."""
        name = " ".join((self.source, self.kind, *map(str, self.pairs)))
        return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "little")


class StreamTable:
    """All streams of a strategy and their probabilities.

    Args:
        index: the pairs and groups of the training data.
        strategy: the mix of batch kinds.
        batch_size: examples in a batch.
        mode: see :data:`.Mode`.
        temperature: languages (or pairs of them) are drawn in proportion to (number of rows) ** (1 / temperature).
        source_weights: source to its share of the batches; None: in proportion to rows.
        languages: languages that must occur in some batch.

    Attributes:
        shares: the probability of every (source, kind).
        too_small: (source, pair, examples) of pairs that have rows, but too few for a batch.

    Raises:
        HybridBenchError: if no batch can be filled, or not from a source or in a language that was asked for.
    """

    def __init__(
        self,
        index: PairIndex,
        strategy: Strategy,
        batch_size: int,
        mode: Mode,
        temperature: float,
        source_weights: Mapping[str, float] | None,
        languages: Sequence[str] | None,
    ) -> None:
        self._index = index
        self._strategy = strategy
        self._batch_size = batch_size
        self._temperature = temperature
        self.too_small: list[tuple[str, LanguagePair, int]] = []
        #: (source, kind) to the number of rows of each pair that can fill batches.
        self._sizes: dict[tuple[str, BatchKind], dict[LanguagePair, int]] = {}
        self._find_sizes(mode)
        by_source = {source: int(np.sum(index.source == number)) for number, source in enumerate(index.sources)}
        self._weights = checked_weights(source_weights, by_source)
        if source_weights:
            self._check_sources()
        available = {kind: {source for source, known in self._sizes if known == kind} for kind in get_args(BatchKind)}
        self.shares: list[Share] = shares(strategy.alpha, self._weights, available["monolingual"], available["cross-lingual"])
        self._check_languages(languages)
        self.streams, self.probabilities = self._list_streams(mode)

    def _find_sizes(self, mode: Mode) -> None:
        """Find the pairs of each source that can fill a batch; in mode ``example`` all pairs of a kind fill it together."""
        for source in self._index.sources:
            for kind in get_args(BatchKind):
                pairs = [pair for pair in self._index.pairs() if pair.kind == kind]
                sizes = {pair: len(self._index.rows(source, pair)) for pair in pairs}
                sizes = {pair: size for pair, size in sizes.items() if size}
                capacity = {pair: self._index.count_groups(self._index.rows(source, pair)) for pair in sizes}
                if mode == "example" and sizes:
                    together = np.concatenate([self._index.rows(source, pair) for pair in sizes])
                    capacity = dict.fromkeys(sizes, self._index.count_groups(together))
                for pair, examples in capacity.items():
                    if examples < self._batch_size:
                        self.too_small.append((source, pair, examples))
                        del sizes[pair]
                if sizes:
                    self._sizes[source, kind] = sizes
        if not self._sizes:
            most = max((examples for _, _, examples in self.too_small), default=0)
            raise HybridBenchError(
                f"a batch of {self._batch_size} cannot be drawn without a repeat: at most {most} examples can be in one batch",
                "Use a smaller batch or add data.",
            )

    def _too_small_by_source(self) -> dict[str, list[tuple[LanguagePair, int]]]:
        """Source to its pairs of the strategy's kinds that have too few rows for a batch."""
        found: dict[str, list[tuple[LanguagePair, int]]] = {}
        for source, pair, examples in self.too_small:
            if pair.kind in self._strategy.kinds:
                found.setdefault(source, []).append((pair, examples))
        return found

    def _check_sources(self) -> None:
        """Raise if a source with a weight has pairs of the strategy's kinds, but none of them fills a batch."""
        drawn = {source for source, kind in self._sizes if kind in self._strategy.kinds}
        for source, pairs in self._too_small_by_source().items():
            if self._weights[source] > 0 and source not in drawn:
                pair, examples = max(pairs, key=lambda one: one[1])
                raise HybridBenchError(
                    f"no batch of {self._batch_size} can be drawn from {source}: at most {examples} examples of {pair} "
                    "can be in one batch",
                    "Remove the source, use a smaller batch, or add data.",
                )

    def _check_languages(self, languages: Sequence[str] | None) -> None:
        """Raise if a requested language is in no batch."""
        drawn = {language for share in self.shares for pair in self._sizes[share.source, share.kind] for language in pair}
        for language in languages or ():
            if language not in drawn:
                small = [f"{pair} of {source} has {rows}" for source, pair, rows in self.too_small if language in pair]
                why = (
                    f"too few rows for a batch of {self._batch_size}: {small[0]}"
                    if small
                    else "no language pair of the strategy includes it"
                )
                raise HybridBenchError(
                    f"no batch of the strategy {self._strategy} can be in {language!r}: {why}",
                    f"Remove {language}, use a smaller batch, or add data.",
                )

    def _list_streams(self, mode: Mode) -> tuple[list[Stream], np.ndarray]:
        """The streams and their probabilities.  # (streams,) float64."""
        streams: list[Stream] = []
        probabilities: list[float] = []
        for share in self.shares:
            sizes = self._sizes[share.source, share.kind]
            if mode == "example":
                streams.append(Stream(share.source, share.kind, tuple(sizes)))
                probabilities.append(share.probability)
                continue
            for pair, weight in zip(sizes, self.pair_weights(share.source, share.kind), strict=True):
                streams.append(Stream(share.source, share.kind, (pair,)))
                probabilities.append(share.probability * weight)
        array = np.array(probabilities)
        return streams, array / array.sum()

    def pair_weights(self, source: str, kind: BatchKind) -> np.ndarray:
        """The probability of each language pair of a source and kind.  # (pairs,) float64, adding up to 1."""
        counts = np.array(list(self._sizes[source, kind].values()), dtype=np.float64)
        weights: np.ndarray = np.exp(np.log(counts / counts.max()) / self._temperature)
        weights /= weights.sum()
        return weights

    def remarks(self) -> list[str]:
        """What the sources contain but no batch uses, one line per source: too few rows, or no pair of the strategy's kinds."""
        small = self._too_small_by_source()
        weighted = {source for source, weight in self._weights.items() if weight > 0}
        idle = sorted(weighted - {share.source for share in self.shares} - small.keys())
        kinds = " or ".join(self._strategy.kinds)
        return [
            f"{source} has no {kinds} pairs of these languages and is not used; the other sources take its share"
            for source in idle
        ] + [
            f"{len(pairs)} language pairs of {source} have too few rows for a batch of {self._batch_size} and are not used: "
            + ", ".join(f"{pair} has {examples}" for pair, examples in pairs[:_NAMED_PAIRS])
            + (", ..." if len(pairs) > _NAMED_PAIRS else "")
            for source, pairs in small.items()
        ]
