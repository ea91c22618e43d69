"""Exact top-k search of a collection that does not fit into memory: shard by shard, merging top-k lists."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_bench.embeddings import shards
from hybrid_bench.embeddings.locking import explain_write_errors, locked
from hybrid_bench.embeddings.stored_collection import Collection
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.execution.protocol import Executor
from hybrid_bench.results.runs import Hit
from hybrid_bench.retrieval.streamed.shard_search import SearchShards, Task
from hybrid_bench.retrieval.streamed.top_lists import TopLists

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The most shards per task; the results of a task are merged into the overall lists.
_TASK_SHARDS = 32
#: Shards that are searched first, one per task; their scores are thresholds for the others.
_FIRST_SHARDS = 4
#: Queries per pass over the collection; each needs 12 bytes per list entry and thread.
QUERIES_AT_ONCE = 2048
#: Seconds between checkpoints of a running search.
SAVE_EVERY = 20.0


class SavedLists(NamedTuple):
    """A file of results.

    Attributes:
        path: the file.
        key: of the collection, the queries and the depth.
        shape: (queries, depth).
        passages: in the collection.
    """

    path: Path
    key: str
    shape: tuple[int, int]
    passages: int

    def read(self) -> tuple[TopLists, int]:
        """The lists, and the number of shards that they cover.

        Raises:
            CorruptShardError: if the file is missing, corrupt, or of another search.
        """
        saved = shards.read(self.path, ("scores", "numbers"), key=self.key)
        lists = TopLists(saved.tensors["scores"], saved.tensors["numbers"])
        found = [(array.dtype.name, array.shape) for array in (lists.scores, lists.numbers)]
        if found != [("float32", self.shape), ("int64", self.shape)] or lists.numbers.max(initial=-1) >= self.passages:
            raise shards.CorruptShardError("is corrupt: it has other lists")
        return lists, int(saved.header["shards"])

    def lists(self) -> TopLists:
        """The lists of a finished search.

        Raises:
            HybridBenchError: if the file was damaged since.
        """
        try:
            return self.read()[0]
        except shards.CorruptShardError as corrupt:
            raise HybridBenchError(f"the results of the search in {self.path} {corrupt}", "Search again.") from corrupt


class Found:
    """Results of a search, on disk; read for a few queries at a time.

    Args:
        collection: the collection that was searched.
        files: one per :data:`QUERIES_AT_ONCE` queries.
        queries: total number of queries.
    """

    def __init__(self, collection: Collection, files: list[SavedLists], queries: int) -> None:
        self.collection = collection
        self._files = files
        self._queries = queries

    def top_lists(self) -> Iterator[TopLists]:
        """Yield the lists of each file."""
        for saved in self._files:
            yield saved.lists()

    def hits(self, rows: Sequence[int]) -> list[list[Hit]]:
        """The hits of the queries at some positions, in canonical order."""
        return [
            hits
            for number, here in itertools.groupby(rows, lambda row: row // QUERIES_AT_ONCE)
            for hits in self._hits(number, [row % QUERIES_AT_ONCE for row in here])
        ]

    def _hits(self, number: int, rows: list[int]) -> Iterator[list[Hit]]:
        lists = self._files[number].lists()
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
    """Search exhaustively for the exact top passages of each query.

    Results are saved in the collection's folder, also at intervals while the search runs: an interrupted search resumes, and
    a finished one is not repeated.

    Args:
        collection: the passages.
        queries: (queries, dimension) float32.
        depth: passages per query.
        executor: executor backend; by default the threads of this process.
        progress: called with the number of passages that were searched, for each :data:`QUERIES_AT_ONCE` queries.
        save_every: seconds between checkpoints.

    Raises:
        HybridBenchError: if a shard is missing or corrupt, or queries and passages have different dimensions.
    """
    if queries.ndim != 2 or queries.shape[1] != collection.manifest.dimension:
        raise HybridBenchError(
            f"the queries have {queries.shape[-1]} dimensions, the passages {collection.manifest.dimension}",
            f"Encode both with the same encoder; the passages are in {collection.folder}.",
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
) -> SavedLists:
    queries_hash = hashlib.sha256(queries.tobytes()).hexdigest()
    key = hashlib.sha256(f"{collection.digest} {queries_hash} {len(queries)} {depth}".encode()).hexdigest()
    path = collection.derived("searches", f"{key[:24]}.safetensors")
    folder = path.parent
    target = SavedLists(path, key, (len(queries), depth), len(collection))
    counts = [entry.count for entry in collection.manifest.shards]
    with explain_write_errors(folder, "search results"), locked(folder, None):
        lists, done = _resumed(target, len(counts)) or (TopLists.empty(len(queries), depth), 0)
        collection.verify(done)  # nothing else reads them again
        progress(sum(counts[:done]))
        stops: list[int] = []
        floor = lists.floor.copy()  # threads see updates; other processes get the state at the start of the task

        def tasks(start: int, stop: int, largest: int) -> Iterator[Task]:
            """Tasks of nearly equal size, since a small last one would leave workers idle."""
            number = -(-(stop - start) // largest)
            for task in range(number):
                stops.append(start + (stop - start) * (task + 1) // number)
                yield Task(start + (stop - start) * task // number, stops[-1], floor)

        function = SearchShards(collection.folder, queries, depth)
        first_stop = max(done, min(_FIRST_SHARDS, len(counts)))
        parts = itertools.chain.from_iterable(
            executor.map(function, tasks(*range_and_size))
            for range_and_size in [(done, first_stop, 1), (first_stop, len(counts), _TASK_SHARDS)]
        )
        saved_at = time.monotonic()
        for number, found in enumerate(parts):
            lists = lists.merged(found, collection.ids_of)
            floor[:] = lists.floor
            progress(sum(counts[done : stops[number]]))
            done = stops[number]
            if done == len(counts) or time.monotonic() - saved_at >= save_every:
                shards.write(target.path, key, {"scores": lists.scores, "numbers": lists.numbers}, shards=str(done))
                saved_at = time.monotonic()
    return target


def _resumed(target: SavedLists, shards_in_all: int) -> tuple[TopLists, int] | None:
    """The results of an interrupted or finished search, and the number of shards that they cover."""
    try:
        lists, done = target.read()
    except shards.CorruptShardError:
        return None
    return (lists, done) if 0 <= done <= shards_in_all else None


def _silent(_: int) -> None:
    pass
