"""Exact ranks of the relevant passages in every pool, counted from one blocked score matrix.

The rank of a relevant passage is one more than the number of passages of the pool that sort before it: a higher score, or the
same score and a higher document id. Columns stand in descending order of their ids, so "before it" among equal scores is
"further left", and no row is ever sorted. Scores are float32 dot products; a block of rows is always multiplied by one
thread, so the number of threads changes no score.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
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
        rank: (pairs,) its rank in its own language's pool, from 1.
        rank_all: (pairs,) its rank in the pool of all languages, from 1.
        same_language_top: (queries,) how many of the first ``top`` passages of the pool of all languages are in the
            query's language; None if that was not asked for.
        top: the depth of ``same_language_top``.
    """

    query: NDArray[np.int32]
    column: NDArray[np.int32]
    rank: NDArray[np.int32]
    rank_all: NDArray[np.int32]
    same_language_top: NDArray[np.int32] | None
    top: int


def rank_relevant(
    queries: np.ndarray,
    columns: Columns,
    query: NDArray[np.int32],
    column: NDArray[np.int32],
    *,
    languages: Sequence[str] | None = None,
    top: int = 20,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
) -> QueryRanks:
    """Rank relevant passages in the pool of their language and in the pool of all.

    Args:
        queries: (queries, dimension) float32.
        columns: the passages.
        query: (pairs,) int32, ascending: the row of each pair's query.
        column: (pairs,) int32: the column of each pair's relevant passage.
        languages: (queries,) the language of each query: count its passages in the first ``top`` of the pool of all.
        top: how deep.
        executor: who works on the blocks; by default this process, on all processors.
        progress: told how many queries are done, block by block.
    """
    from hybrid_bench.retrieval.exact.kernels import count_before, count_in_top, reached_by

    start, stop = _pool_bounds(columns, column)
    first = np.searchsorted(query, np.arange(len(queries) + 1)).astype(np.int32)
    own = _own_pools(columns, languages or ())
    top = min(top, len(columns.ids))

    products = Products(columns)
    blocks = list(row_blocks(len(queries), len(columns.ids)))
    buffers = _Buffers()

    def rank_block(rows: slice) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        if not hasattr(buffers, "scores"):
            buffers.scores = np.empty((blocks[0].stop, len(columns.ids)), dtype=np.float32)
        scores = products.of(queries[rows], out=buffers.scores[: rows.stop - rows.start])
        pairs = slice(first[rows.start], first[rows.stop])
        rank, rank_all = np.empty((2, pairs.stop - pairs.start), dtype=np.int32)
        begin = first[rows.start : rows.stop + 1] - pairs.start
        count_before(scores, begin, column[pairs], start[pairs], stop[pairs], rank, rank_all)
        same = np.empty(len(scores) if languages is not None else 0, dtype=np.int32)
        if languages is not None:
            floor = np.empty(len(scores), dtype=np.float32)
            reached_by(scores, top, begin, column[pairs], rank_all, floor)
            count_in_top(scores, top, floor, own[rows, 0], own[rows, 1], same)
        return rank, rank_all, same

    found = []
    for rows, block in zip(blocks, (executor or LocalExecutor()).map(rank_block, blocks), strict=True):
        found.append(block)
        if progress:
            progress(rows.stop - rows.start)
    rank, rank_all, same = (np.concatenate([np.empty(0, np.int32), *parts]) for parts in zip(*found, strict=True))
    return QueryRanks(query, column, rank, rank_all, same if languages is not None else None, top)


class _Buffers(threading.local):
    """A block of scores for each thread, allocated once; another process gets its own."""

    scores: NDArray[np.float32]

    def __reduce__(self) -> tuple[type[_Buffers], tuple[()]]:
        return _Buffers, ()


def _own_pools(columns: Columns, languages: Sequence[str]) -> NDArray[np.int32]:
    """(queries, 2) the first column of each language's pool and the one after its last; nothing where it has none."""
    bounds = {language: (pool.start, pool.stop) for language, pool in columns.pools.items()}
    return np.array([bounds.get(language, (0, 0)) for language in languages], dtype=np.int32).reshape(-1, 2)


def _pool_bounds(columns: Columns, column: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For each column the first column of its pool and the one after its last."""
    starts = np.array([pool.start for pool in columns.pools.values()], dtype=np.int32)
    stops = np.array([pool.stop for pool in columns.pools.values()], dtype=np.int32)
    pool = np.searchsorted(starts, column, side="right") - 1
    return starts[pool], stops[pool]


def row_blocks(queries: int, passages: int) -> Iterator[slice]:
    """The blocks of rows in which the score matrix is computed. They depend on the two sizes alone."""
    rows = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // (4 * max(passages, 1))))
    return (slice(start, min(start + rows, queries)) for start in range(0, queries, rows))
