"""Exact ranks of the relevant passages in every pool, counted from one blocked score matrix.

The rank of a relevant passage is one more than the number of passages of the pool that sort before it: a higher score, or the
same score and a higher document id. Columns stand in descending order of their ids, so "before it" among equal scores is
"further left", and no row is ever sorted. Scores are float32 dot products; a block of rows is always multiplied by one
thread, so the number of threads changes no score.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.execution.protocol import Executor
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.products import Products

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bytes of one block of the score matrix; each thread holds one.
_BLOCK_BYTES = 32 << 20
#: Rows of a block at most: more make the product no faster.
_BLOCK_ROWS = 512


@dataclass(frozen=True)
class QueryRanks:
    """What the grid knows of some queries.

    Attributes:
        query: (pairs,) the query's row, ascending.
        column: (pairs,) the relevant passage's column.
        rank: (pairs,) its rank in its own collection, from 1.
        rank_in: pool of several collections to (pairs,) the rank there, from 1; 0 where the pool does not hold the passage.
        top: pool of several collections to (queries, depth) the columns of the first passages; -1 after the last passage of a
            pool that has fewer.
    """

    query: NDArray[np.int32]
    column: NDArray[np.int32]
    rank: NDArray[np.int32]
    rank_in: Mapping[str, NDArray[np.int32]]
    top: Mapping[str, NDArray[np.int32]]


def rank_relevant(
    queries: np.ndarray,
    columns: Columns,
    query: NDArray[np.int32],
    column: NDArray[np.int32],
    *,
    dropped: NDArray[np.int32] | None = None,
    top: int = 20,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
) -> QueryRanks:
    """Rank relevant passages in their collection and in every pool of several collections.

    Args:
        queries: (queries, dimension) float32.
        columns: the passages.
        query: (pairs,) int32, ascending: the row of each pair's query.
        column: (pairs,) int32: the column of each pair's relevant passage.
        dropped: (drops, 2) row of a query, ascending, and column of a passage that its search leaves out.
        top: how many of the first passages of pools of several collections are wanted.
        executor: computes the blocks; by default this process, on all processors.
        progress: called with the number of queries done, block by block.
    """
    first = np.searchsorted(query, np.arange(len(queries) + 1)).astype(np.int32)
    products = Products(columns)
    blocks = list(row_blocks(len(queries), len(columns.ids)))
    buffers = _Buffers()
    counting = _Counting(columns, column, top)

    def rank_block(rows: slice) -> tuple[NDArray[np.int32], ...]:
        if not hasattr(buffers, "scores"):
            buffers.scores = np.empty((blocks[0].stop, len(columns.ids)), dtype=np.float32)
        scores = products.of(queries[rows], out=buffers.scores[: rows.stop - rows.start])
        if dropped is not None:
            here = dropped[slice(*np.searchsorted(dropped[:, 0], (rows.start, rows.stop)))]
            scores[here[:, 0] - rows.start, here[:, 1]] = -np.inf
        pairs = slice(first[rows.start], first[rows.stop])
        return counting.of(scores, first[rows.start : rows.stop + 1] - pairs.start, pairs)

    found = []
    for rows, block in zip(blocks, (executor or LocalExecutor()).map(rank_block, blocks), strict=True):
        found.append(block)
        if progress:
            progress(rows.stop - rows.start)
    pools = list(columns.pools)
    nothing = [np.empty(0, np.int32)] * (1 + len(pools)) + [np.empty((0, counting.top), np.int32)] * len(pools)
    rank, *parts = (np.concatenate(arrays) for arrays in zip(nothing, *found, strict=True))
    return QueryRanks(
        query, column, rank, dict(zip(pools, parts, strict=False)), dict(zip(pools, parts[len(pools) :], strict=True))
    )


class _Counting:
    """Counts ranks in blocks of scores.

    Where ids sort by collection, the columns of a collection are a range, and one pass over a row gives the rank in the
    collection and among all columns. Elsewhere, and for pools of some of the collections, columns are compared by a code.
    """

    def __init__(self, columns: Columns, column: NDArray[np.int32], top: int) -> None:
        self._columns = columns
        self._column = column
        self._bounds = _bounds(columns, column) if columns.blocks is not None else None
        self._codes = {
            pool: np.isin(columns.collection, [columns.names.index(name) for name in inside]).astype(np.int32)
            for pool, inside in columns.pools.items()
            if not columns.whole(pool)
        }
        self.top = min(top, len(columns.ids))

    def of(self, scores: NDArray[np.float32], first: NDArray[np.int32], pairs: slice) -> tuple[NDArray[np.int32], ...]:
        """The ranks in collections, then those in each pool, then the first columns of each pool."""
        from hybrid_bench.retrieval.exact.kernels import count_among, count_before

        column = self._column[pairs]
        rank, among_all = np.empty((2, len(column)), dtype=np.int32)
        if self._bounds is not None:
            start, stop = (bound[pairs] for bound in self._bounds)
            count_before(scores, first, column, start, stop, rank, among_all)
        else:
            count_among(scores, first, column, self._columns.collection, rank)
            if any(self._columns.whole(pool) for pool in self._columns.pools):
                count_among(scores, first, column, np.zeros_like(self._columns.collection), among_all)
        ranks, tops = [], []
        for pool in self._columns.pools:
            in_pool, inside = among_all, scores
            if pool in self._codes:
                in_pool = np.empty_like(rank)
                count_among(scores, first, column, self._codes[pool], in_pool)
                in_pool[self._codes[pool][column] == 0] = 0
                inside = np.where(self._codes[pool], scores, np.float32(-np.inf))
            ranks.append(in_pool)
            tops.append(self._first(inside, first, column, in_pool))
        return rank, *ranks, *tops

    def _first(
        self, scores: NDArray[np.float32], first: NDArray[np.int32], column: NDArray[np.int32], rank: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        from hybrid_bench.retrieval.exact.kernels import reached_by, top_columns

        floor = np.empty(len(scores), dtype=np.float32)
        reached_by(scores, self.top, first, column, rank, floor)
        found = np.empty((len(scores), self.top), dtype=np.int32)
        top_columns(scores, self.top, floor, found)
        return found


class _Buffers(threading.local):
    """A block of scores for each thread, allocated once; another process gets its own."""

    scores: NDArray[np.float32]

    def __reduce__(self) -> tuple[type[_Buffers], tuple[()]]:
        return _Buffers, ()


def _bounds(columns: Columns, column: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For each column the first column of its collection and the one after its last, where collections are ranges."""
    ranges = list((columns.blocks or {}).values())
    starts = np.array([of.start for of in ranges], dtype=np.int32)
    stops = np.array([of.stop for of in ranges], dtype=np.int32)
    at = np.searchsorted(starts, column, side="right") - 1
    return starts[at], stops[at]


def row_blocks(queries: int, passages: int) -> Iterator[slice]:
    """The blocks of rows in which the score matrix is computed. They depend on the two sizes alone."""
    rows = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // (4 * max(passages, 1))))
    return (slice(start, min(start + rows, queries)) for start in range(0, queries, rows))
