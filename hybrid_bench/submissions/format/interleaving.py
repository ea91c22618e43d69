"""Whether the ranks of a query in the pools of single collections and in the pool of all can come from one ranking.

If the score of a passage does not depend on the pool, the ranking of the pool of all interleaves the rankings of the
collections. Let K_c(p) be the number of passages of collection c among its first p. A submission fixes K_c at some positions:

- K_c(0) = 0, and K_c(N) is the size of c, where N is the size of the pool of all;
- a relevant passage of c with rank r in its collection and rank a in the pool of all has K_c(a - 1) = r - 1 and K_c(a) = r;
- one that was not retrieved at depth d in the pool of all has K_c(d) < r;
- ``same20`` is the sum of K_c(20) over the collections in the query's language.

There is such a ranking if and only if, for all positions p < q, the passages that must stand between them fit there:

    sum over c of max(0, least K_c(q) - most K_c(p)) <= q - p

where least and most are what the fixed values leave. This is Hall's condition (1935): the passages of a collection between two
fixed positions can fill any free position between those two, and for intervals it suffices to compare intervals. It is
sufficient where the language of the query has one collection, and necessary in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Elements of the largest array of a block of queries.
_BLOCK = 1 << 21


class Contradiction(NamedTuple):
    """A query with more passages than positions: ``needed`` of them at ``first`` to ``last``, ranks in the pool of all."""

    query: int
    first: int
    last: int
    needed: int


@dataclass(frozen=True)
class Interleaving:
    """The ranks of the relevant passages of some queries.

    Attributes:
        query: (pairs,) ascending.
        collection: (pairs,) index into ``sizes``.
        rank: (pairs,) in the passage's collection; above the depth if it was not retrieved.
        rank_all: (pairs,) in the pool of all; 0 if it was not retrieved.
        same: (queries,) passages in the query's language among the first ``top`` of the pool of all.
        sizes: (collections,) number of passages.
        own: (collections,) whether a collection is in the query's language.
        retrieved: how many passages of the pool of all were retrieved.
        top: how many of them ``same`` counts.
    """

    query: NDArray[np.int32]
    collection: NDArray[np.int64]
    rank: NDArray[np.int32]
    rank_all: NDArray[np.int32]
    same: NDArray[np.int32]
    sizes: NDArray[np.int64]
    own: NDArray[np.bool_]
    retrieved: int
    top: int

    def contradictions(self) -> Iterator[Contradiction]:
        """Every query whose ranks no ranking has, with the interval that is exceeded by most."""
        counts = np.bincount(self.query, minlength=len(self.same))
        starts = np.cumsum(counts) - counts
        for count in np.unique(counts).tolist():  # queries with equally many relevant passages are checked together
            queries = np.flatnonzero(counts == count)
            size = max(1, _BLOCK // ((count + 3) * max(count, len(self.sizes))))
            for block in np.split(queries, range(size, len(queries), size)):
                yield from self._block(block, starts[block, None] + np.arange(count))

    def _block(self, queries: NDArray[np.intp], pairs: NDArray[np.int64]) -> Iterator[Contradiction]:
        """Check queries; ``pairs`` is (queries, relevant passages)."""
        total, top = int(self.sizes.sum()), min(self.top, self.retrieved)
        there = self.rank_all[pairs] > 0
        before = np.where(there, self.rank_all[pairs] - 1, self.retrieved)
        after = np.where(there, self.rank_all[pairs], total)
        start = np.column_stack([before, np.broadcast_to([0, self.retrieved, top], (len(queries), 3))])
        stop = np.column_stack([after, np.broadcast_to([total, self.retrieved, top], (len(queries), 3))])
        most, least = self._bounds(pairs, before, after, start, stop, total)
        same = self.same[queries].astype(np.int64)
        groups = [_Group(most[..., of], least[..., of], counted) for of, counted in ((self.own, same), (~self.own, top - same))]
        worst = np.zeros((4, len(queries)), dtype=np.int64)  # excess, start, stop, needed
        for number, begin in enumerate(start.T):
            around = (begin[:, None] <= top) & (top <= stop)
            needed = sum((group.needed(number, around) for group in groups), np.zeros_like(stop))
            excess = np.where(stop > begin[:, None], needed - (stop - begin[:, None]), 0)
            at = np.argmax(excess, axis=1)[:, None]
            found = np.stack([np.take_along_axis(of, at, axis=1)[:, 0] for of in (excess, stop, needed)])
            found = np.insert(found, 1, begin, axis=0)
            worst = np.where(found[0] > worst[0], found, worst)
        for query, (exceeded, begin, end, count) in zip(queries.tolist(), worst.T.tolist(), strict=True):
            if exceeded > 0:
                yield Contradiction(query, begin + 1, end, count)

    def _bounds(
        self,
        pairs: NDArray[np.int64],
        before: NDArray[np.int64],
        after: NDArray[np.int64],
        start: NDArray[np.int64],
        stop: NDArray[np.int64],
        total: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(queries, positions, collections) the most K_c at each start, and the least K_c at each stop."""
        most = np.empty((*start.shape, len(self.sizes)), dtype=np.int64)
        least = np.empty_like(most)
        for number, size in enumerate(self.sizes.tolist()):
            inside = self.collection[pairs] == number
            until, since = np.where(inside, self.rank[pairs] - 1, size), np.where(inside, self.rank[pairs], 0)
            later, earlier = before[:, None, :] >= start[:, :, None], after[:, None, :] <= stop[:, :, None]
            most[..., number] = np.where(later, until[:, None, :], size).min(axis=-1, initial=size)
            least[..., number] = np.where(earlier, since[:, None, :], 0).max(axis=-1, initial=0)
        most[start == 0] = 0
        least[stop == total] = np.maximum(least[stop == total], self.sizes)
        return most, least


class _Group:
    """The collections in the query's language, or all others.

    Args:
        most: (queries, starts, collections of the group) the most K_c at each start, the last of which is ``top``.
        least: (queries, stops, collections of the group) the least K_c at each stop, the last of which is ``top``.
        counted: (queries,) their sum at ``top``.
    """

    def __init__(self, most: NDArray[np.int64], least: NDArray[np.int64], counted: NDArray[np.int64]) -> None:
        self._most, self._least, self._counted = most, least, counted[:, None]
        self._late = np.maximum(_between(most[:, -1, None], least), least.sum(axis=-1) - self._counted)

    def needed(self, start: int, around: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(queries, stops) how many passages must stand between a start and each stop; ``around``: whether ``top`` does."""
        most = self._most[:, start, None]
        direct = _between(most, self._least)
        early = np.maximum(direct[:, -1:], self._counted - most.sum(axis=-1))
        found: NDArray[np.int64] = np.maximum(direct, np.where(around, early + self._late, 0))
        return found


def _between(most: NDArray[np.int64], least: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum over collections of the passages that must stand between two positions."""
    found: NDArray[np.int64] = np.maximum(least - most, 0).sum(axis=-1)
    return found
