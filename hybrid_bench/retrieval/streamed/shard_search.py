"""A worker's part of the streamed search: score shards block by block, and keep the best passages.

Every block of scores has the same shape, a shard by a fixed number of queries, and is computed by one thread. So scores do not
depend on the executor, the number of workers, or interruptions.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from hybrid_bench.embeddings.stored_collection import Collection
from hybrid_bench.retrieval.streamed.top_lists import TopLists

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Queries per block of scores.
_BLOCK_QUERIES = 512
#: Both sides of a block are padded to a multiple of this: matrix products of other shapes may round differently.
_MULTIPLE = 64


class Task(NamedTuple):
    """A range of shards to search.

    Attributes:
        first: number of the first shard.
        stop: number after the last shard.
        floor: (queries,) thresholds: scores that ``depth`` passages are known to reach. They may rise while the task is queued
            or running; they save work and do not change the final result.
    """

    first: int
    stop: int
    floor: NDArray[np.float32]


@dataclass
class _Buffers:
    """Buffers of a task, reused by later tasks because allocation is slow.

    Attributes:
        scores: (queries, room) scores of candidates.
        numbers: (queries, room) numbers of the same passages.
        block: (queries per block, passages per shard) all scores.
    """

    scores: NDArray[np.float32]
    numbers: NDArray[np.int64]
    block: NDArray[np.float32]


@dataclass(frozen=True)
class SearchShards:
    """The function that an executor applies to tasks.

    Attributes:
        folder: the collection's folder.
        queries: (queries, dimension) float32.
        depth: passages per query.
    """

    folder: Path
    queries: NDArray[np.float32]
    depth: int
    _free: collections.deque[_Buffers] = field(default_factory=collections.deque, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_free": collections.deque()}

    def __call__(self, task: Task) -> TopLists:
        """The top passages of the task's shards that reach the thresholds."""
        from hybrid_bench.retrieval.streamed.kernels import collect, keep

        collection = Collection(self.folder)
        count = len(self.queries)
        padded_queries = _padded(self.queries, _MULTIPLE)
        columns = -(-collection.shard_texts // _MULTIPLE) * _MULTIPLE
        slack = columns // 2  # lists are shortened when the slack is used up, not after every shard
        buffers = self._buffers(self.depth + slack + columns, columns)
        scores, numbers = buffers.scores, buffers.numbers
        filled, floor = np.zeros(count, np.int64), task.floor.copy()

        def shorten(fullest: int) -> None:
            long = np.flatnonzero(filled > max(fullest, self.depth - 1))
            last = np.array([_last(scores[query, : filled[query]], self.depth) for query in long], np.float32)
            floor[long] = np.maximum(floor[long], last)
            keep(long, last, scores, numbers, filled)
            for query in long[filled[long] > self.depth]:  # more passages are tied for the last entries than fit
                _resolve_ties(scores[query], numbers[query], int(filled[query]), self.depth, collection)
                filled[query] = self.depth

        for number in range(task.first, task.stop):
            np.maximum(floor, task.floor, out=floor)
            vectors = single_precision(collection.read(number).vectors)
            passages = _padded(vectors, columns).T
            for start in range(0, len(padded_queries), _BLOCK_QUERIES):
                rows = slice(start, min(start + _BLOCK_QUERIES, count))
                part = padded_queries[start : start + _BLOCK_QUERIES]
                product = np.matmul(part, passages, out=buffers.block[: len(part)])
                first = number * collection.shard_texts
                collect(product, len(vectors), first, floor[rows], scores[rows], numbers[rows], filled[rows])
            shorten(self.depth + slack)
        shorten(self.depth - 1)
        found = _sorted(scores, numbers, filled, self.depth)
        self._free.append(buffers)
        return found

    def _buffers(self, width: int, columns: int) -> _Buffers:
        try:
            return self._free.pop()
        except IndexError:
            count = len(self.queries)
            rows = min(-(-count // _MULTIPLE) * _MULTIPLE, _BLOCK_QUERIES)
            return _Buffers(
                np.empty((count, width), np.float32), np.empty((count, width), np.int64), np.empty((rows, columns), np.float32)
            )


def _padded(vectors: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    missing = -len(vectors) % multiple
    return np.concatenate([vectors, np.zeros((missing, vectors.shape[1]), np.float32)]) if missing else vectors


def single_precision(vectors: np.ndarray) -> NDArray[np.float32]:
    """Convert to float32 exactly. NumPy's conversion from float16 takes as long as the matrix product."""
    from hybrid_bench.retrieval.streamed.kernels import widen

    if vectors.dtype == np.float32:
        return vectors
    wide = np.empty(vectors.size, np.uint32)
    widen(vectors.reshape(-1).view(np.uint16), wide)
    floats = wide.view(np.float32)
    floats *= np.float32(2.0**112)
    return floats.reshape(vectors.shape)


def _last(scores: NDArray[np.float32], depth: int) -> np.float32:
    """The ``depth``-th highest score, by NumPy's vectorised partition."""
    at = len(scores) - depth
    return cast(np.float32, np.partition(scores, at)[at])


def _resolve_ties(
    scores: NDArray[np.float32], numbers: NDArray[np.int64], filled: int, depth: int, collection: Collection
) -> None:
    from hybrid_bench.retrieval.streamed.top_lists import best

    chosen = np.sort(best(scores[:filled], numbers[:filled], depth, collection.ids_of))  # keeps numbers ascending
    scores[:depth], numbers[:depth] = scores[chosen], numbers[chosen]


def _sorted(scores: NDArray[np.float32], numbers: NDArray[np.int64], filled: NDArray[np.int64], depth: int) -> TopLists:
    """Sort by score descending, then number ascending, through integer keys: much faster than NumPy's argsort of scores."""
    from hybrid_bench.retrieval.streamed.kernels import pack, unpack

    found = TopLists.empty(len(scores), depth)
    for start in range(0, len(scores), _BLOCK_QUERIES):
        rows = slice(start, start + _BLOCK_QUERIES)
        keys = np.empty((len(filled[rows]), int(filled[rows].max())), np.uint64)
        pack(scores[rows], filled[rows], keys)
        keys.sort(axis=1)
        unpack(keys, scores[rows], numbers[rows], filled[rows], found.scores[rows], found.numbers[rows])
    return found
