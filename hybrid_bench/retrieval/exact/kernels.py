"""The inner loops of the grid, compiled: counting what sorts before a passage in a row of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Columns that are tested together against the least score of a top list before any is looked at alone.
_STRETCH = 64


# The counters are int32 and each loop is a function of its own because only so does the compiler vectorise it.


@numba.njit(nogil=True, cache=True)
def _higher(row: NDArray[np.float32], score: np.float32) -> np.int32:
    count = np.int32(0)
    for at in range(row.shape[0]):
        if row[at] > score:
            count += np.int32(1)
    return count


@numba.njit(nogil=True, cache=True)
def _not_lower(row: NDArray[np.float32], score: np.float32) -> np.int32:
    count = np.int32(0)
    for at in range(row.shape[0]):
        if row[at] >= score:
            count += np.int32(1)
    return count


@numba.njit(nogil=True, cache=True)
def count_before(
    scores: NDArray[np.float32],
    first: NDArray[np.int32],
    column: NDArray[np.int32],
    start: NDArray[np.int32],
    stop: NDArray[np.int32],
    rank: NDArray[np.int32],
    rank_all: NDArray[np.int32],
) -> None:
    """Rank relevant passages: 1 + the columns with a higher score + those with the same score further left.

    Args:
        scores: (queries, passages).
        first: (queries + 1,) where the pairs of each query begin.
        column: (pairs,) the relevant passage.
        start: (pairs,) the first column of its pool.
        stop: (pairs,) the column after the last of its pool.
        rank: (pairs,) written: the rank in its pool.
        rank_all: (pairs,) written: the rank among all columns.
    """
    for query in range(scores.shape[0]):
        row = scores[query]
        for pair in range(first[query], first[query + 1]):
            score = row[column[pair]]
            own = _not_lower(row[start[pair] : column[pair]], score) + _higher(row[column[pair] : stop[pair]], score)
            rank[pair] = 1 + own
            rank_all[pair] = 1 + own + _not_lower(row[: start[pair]], score) + _higher(row[stop[pair] :], score)


@numba.njit(nogil=True, cache=True)
def top_columns(
    scores: NDArray[np.float32],
    top: int,
    floor: NDArray[np.float32],
    found: NDArray[np.int32],
) -> None:
    """The first ``top`` columns of each row; among equal scores the leftmost come first.

    Args:
        scores: (queries, passages).
        top: how deep, at most the number of passages.
        floor: (queries,) a score that at least ``top`` columns reach, -inf where none is known; the nearer, the faster.
        found: (queries, top) written; -1 where fewer columns have a score above -inf.
    """
    best = np.empty(top, dtype=np.float32)
    for query in range(scores.shape[0]):
        row = scores[query]
        columns = found[query]
        best[:] = -np.inf
        columns[:] = -1
        for stretch in range(0, row.shape[0], _STRETCH):
            end = min(stretch + _STRETCH, row.shape[0])
            least = best[top - 1]
            if least < floor[query]:
                if _not_lower(row[stretch:end], floor[query]) == 0:
                    continue
            elif _higher(row[stretch:end], least) == 0:
                continue
            for at in range(stretch, end):
                score = row[at]
                if score < floor[query]:
                    continue
                place = top
                while place > 0 and score > best[place - 1]:
                    if place < top:
                        best[place] = best[place - 1]
                        columns[place] = columns[place - 1]
                    place -= 1
                if place < top:
                    best[place] = score
                    columns[place] = at


@numba.njit(nogil=True, cache=True)
def count_among(
    scores: NDArray[np.float32],
    first: NDArray[np.int32],
    column: NDArray[np.int32],
    code: NDArray[np.int32],
    rank: NDArray[np.int32],
) -> None:
    """Rank relevant passages among the columns that have the same code, wherever those are.

    Args:
        scores: (queries, passages).
        first: (queries + 1,) where the pairs of each query begin.
        column: (pairs,) the relevant passage.
        code: (passages,) equal for the columns of a pool.
        rank: (pairs,) written: 1 + the columns with a higher score + those with the same score further left.
    """
    for query in range(scores.shape[0]):
        row = scores[query]
        for pair in range(first[query], first[query + 1]):
            score, own = row[column[pair]], code[column[pair]]
            count = np.int32(1)
            for at in range(column[pair]):
                count += np.int32((row[at] >= score) & (code[at] == own))
            for at in range(column[pair] + 1, row.shape[0]):
                count += np.int32((row[at] > score) & (code[at] == own))
            rank[pair] = count


@numba.njit(nogil=True, cache=True)
def reached_by(
    scores: NDArray[np.float32],
    top: int,
    first: NDArray[np.int32],
    column: NDArray[np.int32],
    rank_all: NDArray[np.int32],
    floor: NDArray[np.float32],
) -> None:
    """The highest score of a ranked passage that at least ``top`` columns reach; -inf if there is none.

    Args:
        scores: (queries, passages).
        top: how many.
        first: (queries + 1,) where the pairs of each query begin.
        column: (pairs,) the ranked passage.
        rank_all: (pairs,) its rank among all columns.
        floor: (queries,) written.
    """
    for query in range(scores.shape[0]):
        floor[query] = -np.inf
        for pair in range(first[query], first[query + 1]):
            if rank_all[pair] >= top:
                floor[query] = max(floor[query], scores[query, column[pair]])
