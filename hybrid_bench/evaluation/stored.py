"""Searching what was encoded before, exactly or by FAISS."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from hybrid_bench.datasets.suite import PassageText, Suite
from hybrid_bench.embeddings.stored_collection import Collection, Storage
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.provenance import public_card
from hybrid_bench.evaluation.runs import Searcher, evaluate_runs
from hybrid_bench.evaluation.streamed import DEPTH, MEASURES, StreamedSearch, StreamedSuite, Streaming
from hybrid_bench.results.record import Result
from hybrid_bench.results.runs import Hit
from hybrid_bench.retrieval.streamed.faiss_index import KINDS, FaissIndex
from hybrid_bench.retrieval.streamed.search import Found
from hybrid_bench.support.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT = "exact"
#: Depths at which an index is compared with the exact search.
_RECALL_AT = (10, 100, 1000)


def search_store(
    store: Path,
    suite: Suite,
    streaming: Streaming,
    *,
    encoder: str = "",
    encoder_options: Mapping[str, Any] | None = None,
    index: str = EXACT,
    measures: Sequence[str] = MEASURES,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Search encoded passages and score the runs.

    Args:
        store: with a collection of every language of the suite in a folder of its name.
        suite: restricted to the languages that were asked for.
        streaming: who searches, and how deep.
        encoder: of the queries; the store's by default.
        encoder_options: of :func:`hybrid_bench.load_encoder`; the store's number format by default.
        index: ``exact``, or a kind of :class:`FaissIndex`; its recall is in the result's notes.
        measures: any of ir_measures.
        out: write the runs beside where :meth:`Result.save` writes the result.
        progress: where to report.

    Raises:
        HybridBenchError: if the store is not whole, or was made by another encoder.
    """
    progress = progress or SilentProgress()
    store = store.absolute()  # as Streaming.root
    collections = {language: Collection(store / language.replace("/", "__")) for language in suite.passage_languages}
    stated = next(iter(collections.values())).manifest.key
    options = {"dtype": stated["dtype"]} | {k: v for k, v in (encoder_options or {}).items() if v not in (None, "auto")}
    name = encoder or str(stated["encoder"])
    loaded = load_encoder(name, **options)
    streamed = StreamedSuite(
        loaded,
        suite,
        streaming.of_store(store, cast(Storage, stated["storage"])),
        passage_text=cast(PassageText, stated["passage_text"]),
        name=name,
        options=options,
        progress=progress,
    )
    for collection in collections.values():
        collection.check_key(streamed.key)
    with progress:
        searching = StreamedSearch(streamed, collections, progress)
        indexed = {} if index == EXACT else _indexed(index, searching, collections, progress)
    card = {**public_card(loaded.card)}
    if index != EXACT:
        card |= {"name": f"{loaded.card.name}.{index}", "index": KINDS[index]}
    words = [store.name, "--suite", suite.asked_as]
    words += ["--languages", ",".join(suite.passage_languages)] if len(suite.passage_languages) > 1 else []
    words += ["--index", index] if index != EXACT else []
    words += ["--depth", str(streaming.depth)] if streaming.depth != DEPTH else []
    return evaluate_runs(
        Searcher(
            card=card,
            fingerprint=f"{loaded.fingerprint} {index}" if index != EXACT else loaded.fingerprint,
            search=searching,
            versions={"faiss": next(iter(indexed.values())).version} if indexed else {},
            passage_text=str(stated["passage_text"]),
            dtype=loaded.dtype,
            device=loaded.device,
        ),
        suite,
        command=shlex.join(["hybrid-bench", "search", *words]),
        depth=streaming.depth,
        passages={language: collection.manifest.texts for language, collection in collections.items()},
        measures=measures,
        out=out,
        notes=lambda: [note for found in indexed.values() for note in found.notes()],
        progress=progress,
    )


def _indexed(
    index: str, searching: StreamedSearch, collections: Mapping[str, Collection], progress: Progress
) -> dict[str, IndexFound]:
    """Let FAISS answer in the place of the exact search, which it is compared with."""
    found = {}
    for pool, collection in collections.items():
        exact, vectors = searching.found[pool], searching.vectors[pool]
        if not isinstance(exact, Found):
            raise HybridBenchError(f"{pool} was not searched exactly")
        found[pool] = IndexFound(pool, FaissIndex(collection, index, progress), vectors, exact, searching.depth)
        searching.found[pool] = found[pool]
    return found


class IndexFound:
    """What an index finds, and how much of what is exactly best that is.

    Args:
        pool: that is searched.
        index: of it.
        vectors: of all queries.
        exact: what they find exactly.
        depth: passages a query.
    """

    def __init__(self, pool: str, index: FaissIndex, vectors: NDArray[np.float32], exact: Found, depth: int) -> None:
        self._pool = pool
        self._index = index
        self._vectors = vectors
        self._exact = exact
        self._depth = depth
        self._shares: dict[int, list[float]] = {}
        self.version = index.version

    def hits(self, rows: Sequence[int]) -> list[list[Hit]]:
        """The hits of some queries, in canonical order."""
        found = self._index.search(self._vectors[list(rows)], self._depth)
        for row, hits, best in zip(rows, found, self._exact.hits(rows), strict=True):
            self._shares[row] = [_share(hits, best, depth) for depth in self._depths()]
        return found

    def notes(self) -> list[str]:
        """Its recall, averaged over the queries."""
        means = np.mean(list(self._shares.values()), axis=0)
        said = ", ".join(f"{mean:.4f} of the first {depth}" for depth, mean in zip(self._depths(), means, strict=True))
        return [f"{self._index.kind} on {self._pool} finds, of what the exact search finds, {said}."]

    def _depths(self) -> list[int]:
        return [depth for depth in _RECALL_AT if depth <= self._depth] or [self._depth]


def _share(found: Sequence[Hit], best: Sequence[Hit], depth: int) -> float:
    wanted = {hit.doc_id for hit in best[:depth]}
    return len(wanted & {hit.doc_id for hit in found[:depth]}) / len(wanted)
