"""Searching by FAISS, exactly or nearly: an index built from a collection's shards, kept beside them, and its recall."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.embeddings.locking import full_disk_explained, locked
from hybrid_bench.embeddings.stored_collection import Collection
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.results.runs import Hit, canonical
from hybrid_bench.retrieval.streamed.shard_search import single_precision
from hybrid_bench.support import atomic
from hybrid_bench.support.optional import need
from hybrid_bench.support.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Passages that the clusters and codes of ivfpq are learnt from, at most; drawn evenly from all shards.
_LEARNT_FROM = 65_536
#: Neighbours of a node of hnsw, and candidates that are looked at while it is built and searched.
_NEIGHBOURS, _BUILD_WIDTH, _SEARCH_WIDTH = 32, 128, 256
#: Share of ivfpq's clusters that a query looks at.
_PROBED = 1 / 16

#: How an index is built, in words; what decides its bytes.
KINDS = {
    "flat": "IndexFlatIP: exact, all vectors in memory",
    "hnsw": f"IndexHNSWFlat, {_NEIGHBOURS} neighbours, width {_BUILD_WIDTH} to build and {_SEARCH_WIDTH} or the depth to search",
    "ivfpq": "IndexIVFPQ, 4 sqrt(n) clusters, a byte for every 8 dimensions, a sixteenth of the clusters looked at",
}


class FaissIndex:
    """An index of a collection, built if it is not there, opened from its file otherwise.

    It is built by one thread, so that the same shards give the same bytes, and written whole: a build that was killed
    begins again.

    Args:
        collection: what is searched.
        kind: ``flat``, ``hnsw`` or ``ivfpq``.
        progress: where to report.

    Raises:
        HybridBenchError: if FAISS is not installed, a shard is damaged, or there are too few passages for the kind.
    """

    def __init__(self, collection: Collection, kind: str, progress: Progress) -> None:
        if kind not in KINDS:
            raise UnknownNameError("index", kind, ["exact", *KINDS])
        self._faiss = _faiss()
        self._collection = collection
        self.kind = kind
        folder = collection.folder / "indexes"
        self._path = folder / f"{kind}.faiss"
        self._note = folder / f"{kind}.json"
        with full_disk_explained(folder, "an index"), locked(folder, lambda _: progress.say(f"another process writes {folder}")):
            if not self._is_whole():
                self._build(progress)
        self._index = self._faiss.read_index(str(self._path))

    @property
    def version(self) -> str:
        """Of FAISS."""
        return str(self._faiss.__version__)

    def search(self, queries: NDArray[np.float32], depth: int) -> list[list[Hit]]:
        """The passages that FAISS finds, in canonical order."""
        if self.kind == "hnsw":
            self._index.hnsw.efSearch = max(_SEARCH_WIDTH, depth)
        if self.kind == "ivfpq":
            self._index.nprobe = max(1, round(self._index.nlist * _PROBED))
        scores, numbers = self._index.search(queries, min(depth, len(self._collection)))
        found = []
        for own_scores, own_numbers in zip(scores, numbers, strict=True):
            there = own_numbers >= 0
            ids = [doc_id.decode("utf-8", "surrogatepass") for doc_id in self._collection.ids_of(own_numbers[there])]
            found.append(canonical(zip(ids, own_scores[there].tolist(), strict=True), depth))
        return found

    def _stated(self) -> dict[str, Any]:
        return {"collection": self._collection.digest, "kind": KINDS[self.kind], "faiss": self.version}

    def _is_whole(self) -> bool:
        """Whether the file is the one that was built from these shards in this way; one that is damaged is never opened."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            with self._path.open("rb") as file:
                return bool(note == {**self._stated(), "sha256": _sha256(file)})
        except (OSError, ValueError):
            return False

    def _build(self, progress: Progress) -> None:
        count, dimension = len(self._collection), self._collection.manifest.dimension
        index = self._empty(count, dimension)
        threads = self._faiss.omp_get_max_threads()
        self._faiss.omp_set_num_threads(1)
        try:
            if self.kind == "ivfpq":
                progress.start("learn clusters", 0)
                index.train(self._sample())
            progress.start(f"build {self.kind}", count)
            for number in range(len(self._collection.manifest.shards)):
                vectors = single_precision(self._collection.read(number).vectors)
                index.add(vectors)
                progress.advance(len(vectors))
        finally:
            self._faiss.omp_set_num_threads(threads)
        temporary = self._path.with_name(f".{self._path.name}.tmp")
        with temporary.open("wb") as written:  # by Python, which says why it cannot; FAISS may lose the end of a file in silence
            self._faiss.write_index(index, self._faiss.PyCallbackIOWriter(written.write))
            written.flush()
            os.fsync(written.fileno())
        with temporary.open("rb") as file:
            note = {**self._stated(), "sha256": _sha256(file)}
        self._note.unlink(missing_ok=True)  # an index without its note is built again
        temporary.replace(self._path)
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
        if dimension % 8 or min(count, _LEARNT_FROM) < max(256, clusters):
            raise HybridBenchError(
                f"ivfpq needs 256 passages or more and dimensions in eights, not {count} of {dimension}",
                "Use flat or hnsw.",
            )
        # The quantiser belongs to the index: Python would free it first.
        quantiser = self._faiss.IndexFlatIP(dimension)
        index = self._faiss.IndexIVFPQ(quantiser, dimension, clusters, dimension // 8, 8, product)
        index.own_fields = True
        quantiser.this.disown()
        return index

    def _sample(self) -> NDArray[np.float32]:
        """Every n-th passage."""
        step = -(-len(self._collection) // _LEARNT_FROM)
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
