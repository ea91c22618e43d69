"""FAISS indexes, exact and approximate: built from a collection's shards and cached next to them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.embeddings.locking import explain_write_errors, locked
from hybrid_bench.embeddings.stored_collection import Collection
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.results.runs import Hit, canonical
from hybrid_bench.retrieval.streamed.shard_search import single_precision
from hybrid_bench.support import atomic
from hybrid_bench.support.optional import need
from hybrid_bench.support.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The most passages that ivfpq is trained on; sampled evenly from all shards.
_TRAIN_SIZE = 65_536
#: HNSW: neighbours per node, and candidate list sizes while building and searching.
_NEIGHBOURS, _BUILD_WIDTH, _SEARCH_WIDTH = 32, 128, 256
#: Share of ivfpq's clusters that are searched per query.
_PROBE_SHARE = 1 / 16

#: Description of each kind of index, with all parameters that its bytes depend on. A changed text invalidates cached indexes.
KINDS = {
    "flat": "IndexFlatIP: exact, all vectors in memory",
    "hnsw": f"IndexHNSWFlat, {_NEIGHBOURS} neighbours, width {_BUILD_WIDTH} to build and {_SEARCH_WIDTH} or the depth to search",
    "ivfpq": "IndexIVFPQ, 4 sqrt(n) clusters, a byte for every 8 dimensions, a sixteenth of the clusters looked at",
}


class FaissIndex:
    """An index of a collection: opened from its file, or built if there is none.

    It is built by one thread, so that equal shards give equal bytes, and written atomically: an interrupted build starts
    again.

    Args:
        collection: the passages.
        kind: ``flat``, ``hnsw`` or ``ivfpq``.
        progress: receives the progress of the build.

    Raises:
        HybridBenchError: if FAISS is not installed, a shard is corrupt, or there are too few passages for the kind.
    """

    def __init__(self, collection: Collection, kind: str, progress: Progress) -> None:
        if kind not in KINDS:
            raise UnknownNameError("index", kind, ["exact", *KINDS])
        self._faiss = _faiss()
        self._collection = collection
        self.kind = kind
        self._path = collection.derived("indexes", f"{kind}.faiss")
        folder = self._path.parent
        self._note = folder / f"{kind}.json"
        with (
            explain_write_errors(folder, "an index"),
            locked(folder, lambda _: progress.say(f"waiting for another process that is writing to {folder}")),
        ):
            if not self._is_valid():
                self._build(progress)
        self._index = self._faiss.read_index(str(self._path))

    @property
    def version(self) -> str:
        """The version of FAISS."""
        return str(self._faiss.__version__)

    def search(self, queries: NDArray[np.float32], depth: int) -> list[list[Hit]]:
        """Search the index: for each row of ``queries`` (queries, dimension) at most ``depth`` hits, in canonical order."""
        if self.kind == "hnsw":
            self._index.hnsw.efSearch = max(_SEARCH_WIDTH, depth)
        if self.kind == "ivfpq":
            self._index.nprobe = max(1, round(self._index.nlist * _PROBE_SHARE))
        scores, numbers = self._index.search(queries, min(depth, len(self._collection)))
        found = []
        for query_scores, query_numbers in zip(scores, numbers, strict=True):
            valid = query_numbers >= 0
            ids = [doc_id.decode("utf-8", "surrogatepass") for doc_id in self._collection.ids_of(query_numbers[valid])]
            found.append(canonical(zip(ids, query_scores[valid].tolist(), strict=True), depth))
        return found

    def _description(self) -> dict[str, Any]:
        return {"collection": self._collection.digest, "kind": KINDS[self.kind], "faiss": self.version}

    def _is_valid(self) -> bool:
        """Whether the file was built from these shards with these parameters, and its sha256 matches; no other is opened."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            with self._path.open("rb") as file:
                return bool(note == {**self._description(), "sha256": _sha256(file)})
        except (OSError, ValueError):
            return False

    def _build(self, progress: Progress) -> None:
        count, dimension = len(self._collection), self._collection.manifest.dimension
        index = self._empty(count, dimension)
        threads = self._faiss.omp_get_max_threads()
        self._faiss.omp_set_num_threads(1)
        try:
            if self.kind == "ivfpq":
                progress.start("train clusters", 0)
                index.train(self._sample())
            progress.start(f"build {self.kind}", count)
            for number in range(len(self._collection.manifest.shards)):
                vectors = single_precision(self._collection.read(number).vectors)
                index.add(vectors)
                progress.advance(len(vectors))
        finally:
            self._faiss.omp_set_num_threads(threads)
        with atomic.writing(self._path) as temporary:
            with temporary.open("wb") as written:  # by Python, which reports errors; FAISS may truncate silently
                self._faiss.write_index(index, self._faiss.PyCallbackIOWriter(written.write))
            with temporary.open("rb") as file:
                note = {**self._description(), "sha256": _sha256(file)}
            self._note.unlink(missing_ok=True)  # without the note, the index counts as missing
        atomic.write(self._note, (json.dumps(note, indent=1, sort_keys=True) + "\n").encode())

    def _empty(self, count: int, dimension: int) -> Any:
        product = self._faiss.METRIC_INNER_PRODUCT
        if self.kind == "flat":
            return self._faiss.IndexFlatIP(dimension)
        if self.kind == "hnsw":
            index = self._faiss.IndexHNSWFlat(dimension, _NEIGHBOURS, product)
            index.hnsw.efConstruction = _BUILD_WIDTH
            return index
        clusters = int(4 * count**0.5)
        if dimension % 8 or min(count, _TRAIN_SIZE) < max(256, clusters):
            raise HybridBenchError(
                f"ivfpq needs 256 passages or more and a dimension that is a multiple of 8, not {count} passages of {dimension}",
                "Use flat or hnsw.",
            )
        # The index owns the quantiser; otherwise Python would free it first.
        quantiser = self._faiss.IndexFlatIP(dimension)
        index = self._faiss.IndexIVFPQ(quantiser, dimension, clusters, dimension // 8, 8, product)
        index.own_fields = True
        quantiser.this.disown()
        return index

    def _sample(self) -> NDArray[np.float32]:
        """Every n-th passage: (at most about the training size, dimension) float32."""
        step = -(-len(self._collection) // _TRAIN_SIZE)
        parts, first = [], 0
        for number, entry in enumerate(self._collection.manifest.shards):
            vectors = self._collection.read(number).vectors
            parts.append(single_precision(np.ascontiguousarray(vectors[-first % step :: step])))
            first += entry.count
        return np.concatenate(parts)


def _sha256(file: Any) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _faiss() -> Any:
    need("faiss", "this index", "faiss")
    import faiss

    return faiss
