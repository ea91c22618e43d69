"""Exact search of a collection that does not fit into memory: shard by shard, with lists of the best that are merged.

A block of scores has always the same shape, a shard by a fixed number of queries, and is computed by one thread: so no score
depends on who computes it, how many do, or where a search was interrupted.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from hybrid_bench.embeddings import shards
from hybrid_bench.embeddings.collection import Collection
from hybrid_bench.embeddings.writing import full_disk_explained, locked
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.retrieval.executors import Executor, LocalExecutor
from hybrid_bench.retrieval.runs import Hit
from hybrid_bench.retrieval.top_lists import TopLists

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Shards that are searched in one go before their best are merged into those of all.
_TASK_SHARDS = 32
#: Shards that are searched before all others, which need not look at what is worse than what these have.
_FIRST_SHARDS = 4
#: Queries that are searched at a time; each takes 12 bytes a place of its list in each thread.
QUERIES_AT_ONCE = 2048
#: Queries of a block of scores.
_BLOCK_QUERIES = 512
#: Both sides of a block are a multiple of this: a product with a single row or column would be rounded differently.
_MULTIPLE = 64
#: Seconds between two savings of what was found so far.
SAVE_EVERY = 20.0


class Task(NamedTuple):
    """Some shards to search.

    Attributes:
        first: number of the first shard.
        stop: number after the last.
        floor: (queries,) scores that are known to be reached by as many passages as are asked for. They spare work and
            change nothing that is found in the end.
    """

    first: int
    stop: int
    floor: NDArray[np.float32]


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

    def __call__(self, task: Task) -> TopLists:
        """The best of these shards that reach the floor."""
        from hybrid_bench.retrieval.selecting import collect, keep

        collection = Collection(self.folder)
        asked = _padded(self.queries, _MULTIPLE)
        columns = -(-collection.shard_texts // _MULTIPLE) * _MULTIPLE
        slack = columns // 2  # lists are shortened when it is full, not for every shard
        room = self.depth + slack + columns
        count = len(self.queries)
        scores, numbers = np.empty((count, room), np.float32), np.empty((count, room), np.int64)
        filled, floor = np.zeros(count, np.int64), task.floor.copy()
        block = np.empty((min(len(asked), _BLOCK_QUERIES), columns), np.float32)

        def shorten(fullest: int) -> None:
            long = np.flatnonzero(filled > max(fullest, self.depth - 1))
            last = np.array([_last(scores[query, : filled[query]], self.depth) for query in long], np.float32)
            floor[long] = np.maximum(floor[long], last)
            keep(long, last, scores, numbers, filled)
            for query in long[filled[long] > self.depth]:  # more are tied for the last places than there are places
                _settle(scores[query], numbers[query], int(filled[query]), self.depth, collection)
                filled[query] = self.depth

        for number in range(task.first, task.stop):
            vectors = single_precision(collection.read(number).vectors)
            passages = _padded(vectors, columns).T
            for start in range(0, len(asked), _BLOCK_QUERIES):
                rows = slice(start, min(start + _BLOCK_QUERIES, count))
                part = asked[start : start + _BLOCK_QUERIES]
                product = np.matmul(part, passages, out=block[: len(part)])
                first = number * collection.shard_texts
                collect(product, len(vectors), first, floor[rows], scores[rows], numbers[rows], filled[rows])
            shorten(self.depth + slack)
        shorten(self.depth - 1)
        return _sorted(scores, numbers, filled, self.depth)


def _padded(vectors: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    missing = -len(vectors) % multiple
    return np.concatenate([vectors, np.zeros((missing, vectors.shape[1]), np.float32)]) if missing else vectors


def single_precision(vectors: np.ndarray) -> NDArray[np.float32]:
    """float32, exactly; NumPy's own conversion of half floats takes as long as the whole product."""
    from hybrid_bench.retrieval.selecting import widen

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
    from hybrid_bench.retrieval.top_lists import best

    chosen = np.sort(best(scores[:filled], numbers[:filled], depth, collection.ids_of))  # numbers go on ascending
    scores[:depth], numbers[:depth] = scores[chosen], numbers[chosen]


def _sorted(scores: NDArray[np.float32], numbers: NDArray[np.int64], filled: NDArray[np.int64], depth: int) -> TopLists:
    found = TopLists.empty(len(scores), depth)
    places = np.arange(int(filled.max(initial=0)), dtype=np.uint64)
    for start in range(0, len(scores), _BLOCK_QUERIES):
        rows = slice(start, start + _BLOCK_QUERIES)
        own = scores[rows, : len(places)]
        empty = places >= filled[rows, None]
        # One number orders by score descending, then by place, which goes by number ascending; empty places come last.
        falling = np.where(empty, np.uint32(0xFFFFFFFF), ~_rising(own)).astype(np.uint64)
        order = (np.sort((falling << np.uint64(32)) | places, axis=1) & np.uint64(0xFFFFFFFF)).astype(np.int64)[:, :depth]
        missing = np.take_along_axis(empty, order, axis=1)
        found.scores[rows, : order.shape[1]] = np.where(missing, -np.inf, np.take_along_axis(own, order, axis=1))
        found.numbers[rows, : order.shape[1]] = np.where(missing, -1, np.take_along_axis(numbers[rows], order, axis=1))
    return found


def _rising(scores: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Whole numbers in the order of the scores: NumPy sorts them much faster than it sorts places by scores."""
    bits = (scores + np.float32(0)).view(np.uint32)  # 0 and -0 are one score
    return bits ^ np.where(bits >> np.uint32(31), np.uint32(0xFFFFFFFF), np.uint32(0x80000000))


class Found:
    """What a search found, on disk; read a few queries at a time.

    Args:
        collection: that was searched.
        files: with the lists of :data:`QUERIES_AT_ONCE` queries each.
        queries: how many in all.
    """

    def __init__(self, collection: Collection, files: list[Path], queries: int) -> None:
        self.collection = collection
        self._files = files
        self._queries = queries

    def top_lists(self) -> Iterator[TopLists]:
        """File after file."""
        for path in self._files:
            yield _lists(shards.read(path, ("scores", "numbers")))

    def hits(self, rows: Sequence[int]) -> list[list[Hit]]:
        """The hits of some queries, in canonical order."""
        return [
            hits
            for number, here in itertools.groupby(rows, lambda row: row // QUERIES_AT_ONCE)
            for hits in self._hits(number, [row % QUERIES_AT_ONCE for row in here])
        ]

    def _hits(self, number: int, rows: list[int]) -> Iterator[list[Hit]]:
        lists = _lists(shards.read(self._files[number], ("scores", "numbers")))
        wanted = lists.numbers[rows]
        ids = np.empty(wanted.shape, dtype=object)
        ids[wanted >= 0] = self.collection.ids_of(wanted[wanted >= 0])
        for scores, own in zip(lists.scores[rows].tolist(), ids.tolist(), strict=True):
            ordered = sorted(
                ((score, doc_id) for score, doc_id in zip(scores, own, strict=True) if doc_id is not None), reverse=True
            )
            yield [Hit(doc_id.decode("utf-8", "surrogatepass"), score) for score, doc_id in ordered]


def search(
    collection: Collection,
    queries: NDArray[np.float32],
    depth: int,
    *,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    save_every: float = SAVE_EVERY,
) -> Found:
    """The exact best passages of each query.

    What was found is kept in the collection's folder, from time to time while the search goes on: a search that was killed
    goes on from there, and one that was done before is not done again.

    Args:
        collection: what is searched.
        queries: (queries, dimension) float32.
        depth: passages a query.
        executor: who searches; by default the threads of this process.
        progress: told how many passages are searched, for each :data:`QUERIES_AT_ONCE` queries.
        save_every: seconds.

    Raises:
        HybridBenchError: if a shard is missing or damaged, or queries and passages differ in dimension.
    """
    if queries.ndim != 2 or queries.shape[1] != collection.manifest.dimension:
        raise HybridBenchError(
            f"the queries have {queries.shape[-1]} dimensions, the passages {collection.manifest.dimension}",
            f"Both have to be of one encoder; the passages are in {collection.folder}.",
        )
    depth = min(depth, len(collection))
    files = []
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        part = np.ascontiguousarray(queries[start : start + QUERIES_AT_ONCE], dtype=np.float32)
        files.append(_search_part(collection, part, depth, executor or LocalExecutor(), progress or _silent, save_every))
    return Found(collection, files, len(queries))


def _search_part(
    collection: Collection,
    queries: NDArray[np.float32],
    depth: int,
    executor: Executor,
    progress: Callable[[int], None],
    save_every: float,
) -> Path:
    asked = hashlib.sha256(queries.tobytes()).hexdigest()
    key = hashlib.sha256(f"{collection.digest} {asked} {len(queries)} {depth}".encode()).hexdigest()
    folder = collection.folder / "searches"
    path = folder / f"{key[:24]}.safetensors"
    counts = [entry.count for entry in collection.manifest.shards]
    with full_disk_explained(folder, "what was found"), locked(folder, None):
        lists, done = _saved(path, key) or (TopLists.empty(len(queries), depth), 0)
        progress(sum(counts[:done]))
        stops: list[int] = []

        def tasks(start: int, stop: int) -> Iterator[Task]:
            for first in range(start, stop, _TASK_SHARDS):
                stops.append(min(first + _TASK_SHARDS, stop))
                yield Task(first, stops[-1], lists.floor.copy())  # of the lists as they are when the task is taken

        function = SearchShards(collection.folder, queries, depth)
        beginning = min(_FIRST_SHARDS, len(counts))
        parts = itertools.chain.from_iterable(
            executor.map(function, tasks(max(done, start), stop)) for start, stop in [(0, beginning), (beginning, len(counts))]
        )
        saved_at = time.monotonic()
        for number, found in enumerate(parts):
            lists = lists.merged(found, collection.ids_of)
            progress(sum(counts[done : stops[number]]))
            done = stops[number]
            if done == len(counts) or time.monotonic() - saved_at >= save_every:
                shards.write(path, key, {"scores": lists.scores, "numbers": lists.numbers}, shards=str(done))
                saved_at = time.monotonic()
    return path


def _saved(path: Path, key: str) -> tuple[TopLists, int] | None:
    """What was found by a search that stopped, and in how many shards."""
    try:
        saved = shards.read(path, ("scores", "numbers"), key=key)
    except shards.UnsoundShardError:
        return None
    return _lists(saved), int(saved.header["shards"])


def _silent(_: int) -> None:
    pass


def _lists(shard: shards.Shard) -> TopLists:
    return TopLists(shard.tensors["scores"], shard.tensors["numbers"])
