"""Row sampling: the rows of a stream without replacement, at most one row per group in a batch."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from hybrid_bench.training.batches.pairs import PairIndex
from hybrid_bench.training.batches.seeding import Purpose, generator
from hybrid_bench.training.batches.streams import Stream


class RowSampler:
    """Draws the rows of every batch of every stream.

    An epoch of a stream takes each of its groups once, in random order, each time with the next row of the group. Groups that
    do not fill a last batch are skipped in that epoch.

    Args:
        index: the rows of each source and language pair, and their groups and articles.
        streams: the streams.
        batch_size: rows in a batch.
        topical: the share of groups that are drawn next to the others of their article.
        seed: of the draws.
    """

    def __init__(self, index: PairIndex, streams: Sequence[Stream], batch_size: int, topical: float, seed: int) -> None:
        self._index = index
        self._streams = streams
        self._batch_size = batch_size
        self._topical = topical
        self._seed = seed
        # Caches belong to the object, not to the class, so that they are freed with it.
        self._groups = functools.cache(self._make_groups)
        self._order = functools.lru_cache(maxsize=1024)(self._make_order)

    def rows(self, stream: int, number: int) -> np.ndarray:
        """The rows of the ``number``-th batch of a stream.  # (batch size,) int32."""
        members, starts = self._groups(stream)
        epoch, place = divmod(number, len(starts) // self._batch_size)
        chosen = self._order(stream, epoch)[place * self._batch_size : (place + 1) * self._batch_size]
        ends = np.append(starts[1:], len(members))[chosen]
        rows: np.ndarray = members[starts[chosen] + (chosen + epoch) % (ends - starts[chosen])]
        return rows

    def _make_groups(self, stream: int) -> tuple[np.ndarray, np.ndarray]:
        """(the rows of a stream, ordered by group; where each group starts)."""
        own = self._streams[stream]
        rows = np.unique(np.concatenate([self._index.rows(own.source, pair) for pair in own.pairs]))
        order = np.argsort(self._index.group[rows], kind="stable")
        starts = np.unique(self._index.group[rows][order], return_index=True)[1]
        return rows[order].astype(np.int32), starts.astype(np.int32)

    def _make_order(self, stream: int, epoch: int) -> np.ndarray:
        """The order in which an epoch of a stream takes its groups.  # (groups,) int32."""
        random = generator(self._seed, Purpose.ROW_ORDER, self._streams[stream].number, epoch)
        members, starts = self._groups(stream)
        if not self._topical:
            return random.permutation(len(starts)).astype(np.int32)
        # Sort by random positions: an article's position is shared by its groups, except those drawn to be placed alone.
        articles = self._index.article[members[starts]]
        positions = random.random(int(self._index.article.max()) + 1)[articles]
        alone = random.random(len(starts)) >= self._topical
        positions[alone] = random.random(int(alone.sum()))
        return np.lexsort((random.random(len(starts)), positions)).astype(np.int32)
