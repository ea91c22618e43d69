"""Compiled inner loops of the streamed search: filtering candidates by score, sorting keys, merging top-k lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Columns that are compared with the threshold together, before single ones are.
_STRETCH = 64


@numba.njit(nogil=True, cache=True)
def widen(halves: NDArray[np.uint16], bits: NDArray[np.uint32]) -> None:
    """Convert float16 bits to float32 bits with an exponent too small by 112: multiply by 2**112 afterwards. Exact."""
    for at in range(halves.shape[0]):
        half = np.uint32(halves[at])
        bits[at] = ((half & np.uint32(0x7FFF)) << np.uint32(13)) | ((half & np.uint32(0x8000)) << np.uint32(16))


@numba.njit(nogil=True, cache=True)
def collect(
    block: NDArray[np.float32],
    columns: int,
    first_number: int,
    floor: NDArray[np.float32],
    scores: NDArray[np.float32],
    numbers: NDArray[np.int64],
    filled: NDArray[np.int64],
) -> None:
    """Append the passages of a block whose score reaches their query's threshold.

    Args:
        block: (queries, columns or more) scores.
        columns: number of passages; further columns are padding.
        first_number: number of the block's first passage.
        floor: (queries,) thresholds.
        scores: (queries, room) output.
        numbers: (queries, room) output.
        filled: (queries,) updated: number of entries in use; there must be room for a complete block.
    """
    whole = columns // _STRETCH * _STRETCH
    for query in range(scores.shape[0]):
        least = floor[query]
        place = filled[query]
        for stretch in range(0, whole, _STRETCH):
            reach = np.int32(0)
            for at in range(_STRETCH):  # a constant length, so that it is vectorised
                reach += np.int32(block[query, stretch + at] >= least)
            if reach:
                for at in range(stretch, stretch + _STRETCH):
                    if block[query, at] >= least:
                        scores[query, place] = block[query, at]
                        numbers[query, place] = first_number + at
                        place += 1
        for at in range(whole, columns):
            if block[query, at] >= least:
                scores[query, place] = block[query, at]
                numbers[query, place] = first_number + at
                place += 1
        filled[query] = place


@numba.njit(nogil=True, cache=True)
def keep(
    queries: NDArray[np.int64],
    least: NDArray[np.float32],
    scores: NDArray[np.float32],
    numbers: NDArray[np.int64],
    filled: NDArray[np.int64],
) -> None:
    """Remove entries below ``least`` from the lists of some queries; the others keep their order.

    Args:
        queries: (some,) rows of the other arrays.
        least: (some,) smallest score that is kept.
        scores: (queries, room) updated.
        numbers: (queries, room) updated.
        filled: (queries,) updated: number of entries in use.
    """
    for some in range(queries.shape[0]):
        query = queries[some]
        place = 0
        for at in range(filled[query]):
            if scores[query, at] >= least[some]:
                scores[query, place] = scores[query, at]
                numbers[query, place] = numbers[query, at]
                place += 1
        filled[query] = place


@numba.njit(nogil=True, cache=True)
def pack(scores: NDArray[np.float32], filled: NDArray[np.int64], keys: NDArray[np.uint64]) -> None:
    """Encode score and position as integers that sort by score descending, then position ascending; empty entries are last.

    Args:
        scores: (queries, room).
        filled: (queries,) number of entries in use.
        keys: (queries, the longest list) output.
    """
    for query in range(keys.shape[0]):
        row = scores[query].view(np.uint32)
        for at in range(filled[query]):
            bits = row[at] if row[at] != np.uint32(0x80000000) else np.uint32(0)  # 0 and -0 are equal scores
            falling = bits if bits >> np.uint32(31) else bits ^ np.uint32(0x7FFFFFFF)
            keys[query, at] = (np.uint64(falling) << np.uint64(32)) | np.uint64(at)
        for at in range(filled[query], keys.shape[1]):
            keys[query, at] = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(nogil=True, cache=True)
def unpack(
    keys: NDArray[np.uint64],
    scores: NDArray[np.float32],
    numbers: NDArray[np.int64],
    filled: NDArray[np.int64],
    found_scores: NDArray[np.float32],
    found_numbers: NDArray[np.int64],
) -> None:
    """Write lists in the order of their sorted keys; entries beyond their end are unchanged.

    Args:
        keys: (queries, the longest list) sorted, see :func:`pack`.
        scores: (queries, room).
        numbers: (queries, room).
        filled: (queries,) number of entries in use.
        found_scores: (queries, depth) output.
        found_numbers: (queries, depth) output.
    """
    for query in range(keys.shape[0]):
        for place in range(min(filled[query], found_scores.shape[1])):
            at = np.int64(keys[query, place] & np.uint64(0xFFFFFFFF))
            found_scores[query, place] = scores[query, at]
            found_numbers[query, place] = numbers[query, at]


@numba.njit(nogil=True, cache=True)
def merge(
    scores_a: NDArray[np.float32],
    numbers_a: NDArray[np.int64],
    scores_b: NDArray[np.float32],
    numbers_b: NDArray[np.int64],
    scores: NDArray[np.float32],
    numbers: NDArray[np.int64],
    tied: NDArray[np.bool_],
) -> None:
    """Merge lists sorted by score descending, then number ascending; empty entries have number -1.

    Args:
        scores_a: (queries, depth).
        numbers_a: (queries, depth).
        scores_b: (queries, depth).
        numbers_b: (queries, depth).
        scores: (queries, depth) output.
        numbers: (queries, depth) output.
        tied: (queries,) output: whether an omitted passage has the same score as the last one.
    """
    depth = scores.shape[1]
    for query in range(scores.shape[0]):
        a, b = 0, 0
        for place in range(depth):
            left, right = a < depth and numbers_a[query, a] >= 0, b < depth and numbers_b[query, b] >= 0
            if not left and not right:
                scores[query, place] = -np.inf
                numbers[query, place] = -1
                continue
            if left and right:
                better = scores_a[query, a] > scores_b[query, b]
                left = better or (scores_a[query, a] == scores_b[query, b] and numbers_a[query, a] < numbers_b[query, b])
            if left:
                scores[query, place] = scores_a[query, a]
                numbers[query, place] = numbers_a[query, a]
                a += 1
            else:
                scores[query, place] = scores_b[query, b]
                numbers[query, place] = numbers_b[query, b]
                b += 1
        last = scores[query, depth - 1]
        more_a = a < depth and numbers_a[query, a] >= 0 and scores_a[query, a] == last
        more_b = b < depth and numbers_b[query, b] >= 0 and scores_b[query, b] == last
        tied[query] = more_a or more_b
