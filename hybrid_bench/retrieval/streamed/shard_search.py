"""What a worker of the streamed search does: score some shards, block by block, and keep the best.

A block of scores has always the same shape, a shard by a fixed number of queries, and is computed by one thread: so no score
depends on who computes it, how many do, or where a search was interrupted.
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

#: Queries of a block of scores.
_BLOCK_QUERIES = 512
#: Both sides of a block are a multiple of this: a product with a single row or column would be rounded differently.
_MULTIPLE = 64


class Task(NamedTuple):
    """Some shards to search.

    Attributes:
        first: number of the first shard.
        stop: number after the last.
        floor: (queries,) scores that are known to be reached by as many passages as are asked for; they may rise while the
            task waits or runs. They spare work and change nothing that is found in the end.
    """

    first: int
    stop: int
    floor: NDArray[np.float32]


@dataclass
class _Room:
    """What a task writes into; used by one after the other, since a system takes its time to hand out memory.

    Attributes:
        scores: (queries, room) of what may be among the best.
        numbers: (queries, room) of the same passages.
        block: (queries of a block, passages of a shard) all scores.
    """

    scores: NDArray[np.float32]
    numbers: NDArray[np.int64]
    block: NDArray[np.float32]


@dataclass(frozen=True)
class SearchShards:
    """Searches shards; what an executor is given.

    Attributes:
        folder: of the collection.
        queries: (queries, dimension) float32.
        depth: passages a query.
    """

    folder: Path
    queries: NDArray[np.float32]
    depth: int
    _free: collections.deque[_Room] = field(default_factory=collections.deque, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_free": collections.deque()}

    def __call__(self, task: Task) -> TopLists:
        """The best of these shards that reach the floor."""
        from hybrid_bench.retrieval.streamed.kernels import collect, keep

        collection = Collection(self.folder)
        count = len(self.queries)
        asked = _padded(self.queries, _MULTIPLE)
        columns = -(-collection.shard_texts // _MULTIPLE) * _MULTIPLE
        slack = columns // 2  # lists are shortened when it is full, not for every shard
        room = self._room(self.depth + slack + columns, columns)
        scores, numbers = room.scores, room.numbers
        filled, floor = np.zeros(count, np.int64), task.floor.copy()

        def shorten(fullest: int) -> None:
            long = np.flatnonzero(filled > max(fullest, self.depth - 1))
            last = np.array([_last(scores[query, : filled[query]], self.depth) for query in long], np.float32)
            floor[long] = np.maximum(floor[long], last)
            keep(long, last, scores, numbers, filled)
            for query in long[filled[long] > self.depth]:  # more are tied for the last places than there are places
                _settle(scores[query], numbers[query], int(filled[query]), self.depth, collection)
                filled[query] = self.depth

        for number in range(task.first, task.stop):
            np.maximum(floor, task.floor, out=floor)
            vectors = single_precision(collection.read(number).vectors)
            passages = _padded(vectors, columns).T
            for start in range(0, len(asked), _BLOCK_QUERIES):
                rows = slice(start, min(start + _BLOCK_QUERIES, count))
                part = asked[start : start + _BLOCK_QUERIES]
                product = np.matmul(part, passages, out=room.block[: len(part)])
                first = number * collection.shard_texts
                collect(product, len(vectors), first, floor[rows], scores[rows], numbers[rows], filled[rows])
            shorten(self.depth + slack)
        shorten(self.depth - 1)
        found = _sorted(scores, numbers, filled, self.depth)
        self._free.append(room)
        return found

    def _room(self, width: int, columns: int) -> _Room:
        try:
            return self._free.pop()
        except IndexError:
            count = len(self.queries)
            rows = min(-(-count // _MULTIPLE) * _MULTIPLE, _BLOCK_QUERIES)
            return _Room(
                np.empty((count, width), np.float32), np.empty((count, width), np.int64), np.empty((rows, columns), np.float32)
            )


def _padded(vectors: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    missing = -len(vectors) % multiple
    return np.concatenate([vectors, np.zeros((missing, vectors.shape[1]), np.float32)]) if missing else vectors


def single_precision(vectors: np.ndarray) -> NDArray[np.float32]:
    """float32, exactly; NumPy's own conversion of half floats takes as long as the whole product."""
    from hybrid_bench.retrieval.streamed.kernels import widen

    if vectors.dtype == np.float32:
        return vectors
    wide = np.empty(vectors.size, np.uint32)
    widen(vectors.reshape(-1).view(np.uint16), wide)
    floats = wide.view(np.float32)
    floats *= np.float32(2.0**112)
    return floats.reshape(vectors.shape)


def _last(scores: NDArray[np.float32], depth: int) -> np.float32:
    """The score of the last of the best; NumPy's partition is vectorised, a compiled one of ours would not be."""
    at = len(scores) - depth
    return cast(np.float32, np.partition(scores, at)[at])


def _settle(scores: NDArray[np.float32], numbers: NDArray[np.int64], filled: int, depth: int, collection: Collection) -> None:
    from hybrid_bench.retrieval.streamed.top_lists import best

    chosen = np.sort(best(scores[:filled], numbers[:filled], depth, collection.ids_of))  # numbers go on ascending
    scores[:depth], numbers[:depth] = scores[chosen], numbers[chosen]


def _sorted(scores: NDArray[np.float32], numbers: NDArray[np.int64], filled: NDArray[np.int64], depth: int) -> TopLists:
    """Lists by score descending, then number ascending: NumPy sorts whole numbers much faster than places by their scores."""
    from hybrid_bench.retrieval.streamed.kernels import pack, unpack

    found = TopLists.empty(len(scores), depth)
    for start in range(0, len(scores), _BLOCK_QUERIES):
        rows = slice(start, start + _BLOCK_QUERIES)
        keys = np.empty((len(filled[rows]), int(filled[rows].max())), np.uint64)
        pack(scores[rows], filled[rows], keys)
        keys.sort(axis=1)
        unpack(keys, scores[rows], numbers[rows], filled[rows], found.scores[rows], found.numbers[rows])
    return found
