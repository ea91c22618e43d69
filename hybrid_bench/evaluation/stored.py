"""Searching stored vectors, exactly or by FAISS."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from hybrid_bench.datasets.parts import PassageText
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.embeddings.stored_collection import Collection as StoredCollection
from hybrid_bench.embeddings.stored_collection import Storage
from hybrid_bench.encoders.resolvers import stated_options
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.evaluation.assemble import SearcherIdentity
from hybrid_bench.evaluation.identity import renamed
from hybrid_bench.evaluation.large_suite import LargeSuite
from hybrid_bench.evaluation.options import DEPTH, RUN_MEASURES, STORAGE, EvaluationOptions
from hybrid_bench.evaluation.provenance import command_line
from hybrid_bench.evaluation.runs import RunOptions, evaluate_runs
from hybrid_bench.evaluation.streamed import Finds, StoredSearch, identity_of
from hybrid_bench.results.record import Result
from hybrid_bench.results.runs import Hit
from hybrid_bench.retrieval.streamed.faiss_index import KINDS, FaissIndex
from hybrid_bench.support.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT = "exact"
#: Depths at which an index is compared with the exact search.
_RECALL_AT = (10, 100, 1000)
#: Queries that an index and the exact search are compared on at a time.
_COMPARED_AT_ONCE = 256


def search_store(
    suite: Suite,
    options: EvaluationOptions,
    *,
    store: Path | None = None,
    encoder: str = "",
    index: str = EXACT,
    progress: Progress | None = None,
) -> Result:
    """Search stored vectors of passages and score the runs.

    Args:
        suite: of the passages.
        options: languages, depth, measures, executor, the encoder's options (the store's dtype by default), and where runs are
            written.
        store: a folder with the vectors of every collection of the suite; nothing but queries is encoded. Without it the
            vectors of ``encoder`` in the cache are used, and encoded where they are missing.
        encoder: name of the queries' encoder; the store's by default.
        index: ``exact``, or a kind of :class:`FaissIndex`; its recall is in the result's notes.
        progress: where to report.

    Raises:
        HybridBenchError: if the store is incomplete, was made by another encoder, neither it nor an encoder is given, or an
            option has no effect.
    """
    progress = progress or SilentProgress()
    suite = options.restricted(suite)
    options.check_effect(suite, to_a_depth=True)
    measures = options.measures_on(suite, to_a_depth=True)
    if index != EXACT and index not in KINDS:
        raise UnknownNameError("index", index, [EXACT, *KINDS])
    if store is not None:
        _check_store_options(options)
        if not store.is_dir():
            raise HybridBenchError(f"there is no folder {store}", "Name the one that `hybrid-bench encode` printed.")
        collections = {of.name: StoredCollection(store.absolute() / of.name) for of in suite.collections}
        large = _of_store(store, collections, suite, options, encoder, progress)
        for name, collection in collections.items():
            collection.check_key(large.key(name))
    elif encoder:
        large = LargeSuite.of(encoder, suite, options, progress)
        with progress:
            collections = large.encode_all()
    else:
        raise HybridBenchError("there is nothing to search", "Name a store, or an encoder with --encoder.")
    depth = options.depth or DEPTH
    with progress:
        searcher = _searcher(large, collections, depth, index, options.name, progress)
    chosen = options.encoder_options
    stated = {
        "encoder": large.encoder_name,
        "suite": suite.asked_as,
        "languages": ",".join(suite.languages) if suite.base else None,
        "index": index if index != EXACT else None,
        "depth": depth if depth != DEPTH else None,
        "measures": " ".join(measures) if tuple(measures) != RUN_MEASURES else None,
        "dtype": large.encoder.dtype,
        "device": large.encoder.device,
        **stated_options(large.encoder_name, {name: chosen[name] for name in chosen.keys() - {"dtype", "device"}}),
        "storage": large.storage if large.storage != STORAGE else None,
        "passage_text": large.passage_text if large.passage_text != "sentence" else None,
        **options.words_on_own,
        "name": options.name or None,
    }
    return evaluate_runs(
        searcher,
        suite,
        command=command_line(["search"], stated),
        options=RunOptions(
            measures, depth, results=options.results, strict=options.strict, overwrite=options.overwrite, keep=options.keep
        ),
        progress=progress,
    )


def _check_store_options(options: EvaluationOptions) -> None:
    """Refuse what a store states itself."""
    given = [name for name, default in (("storage", None), ("passage_text", "sentence"), ("store", None))
             if getattr(options, name) != default]  # fmt: skip
    if given:
        raise HybridBenchError(f"the option {given[0]} has no effect on a store, which states its own", f"Leave {given[0]} out.")


def _of_store(
    store: Path,
    collections: Mapping[str, StoredCollection],
    suite: Suite,
    options: EvaluationOptions,
    encoder: str,
    progress: Progress,
) -> LargeSuite:
    """The suite with the encoder that a store states."""
    stated = next(iter(collections.values())).manifest.key
    chosen = {"dtype": stated["dtype"]} | {name: value for name, value in options.encoder_options.items() if value != "auto"}
    return LargeSuite.of(
        encoder or str(stated["encoder"]),
        suite,
        dataclasses.replace(
            options,
            encoder=chosen,
            store=store.absolute(),
            storage=cast(Storage, stated["storage"]),
            passage_text=cast(PassageText, stated["passage_text"]),
        ),
        progress,
    )


def _searcher(
    large: LargeSuite, collections: Mapping[str, StoredCollection], depth: int, index: str, name: str, progress: Progress
) -> StoredSearch:
    if index == EXACT:
        return StoredSearch(large, collections, depth, renamed(identity_of(large), name))
    indexes = {name: FaissIndex(collection, index, progress) for name, collection in collections.items()}
    exact = StoredSearch(large, collections, depth, identity_of(large))
    card = {**identity_of(large).card}
    identity = identity_of(
        large,
        card=card | {"name": f"{card['name']}.{index}", "index": KINDS[index]},
        fingerprint=f"{large.encoder.fingerprint} {index}",
        versions={"faiss": next(iter(indexes.values())).version},
    )
    return IndexSearch(large, collections, depth, renamed(identity, name), indexes=indexes, exact=exact)


class IndexFinds:
    """What an index finds; see :class:`hybrid_bench.evaluation.streamed.Finds`.

    Args:
        index: of a collection.
        vectors: (queries, dimension) of all queries.
        depth: passages a query.
    """

    def __init__(self, index: FaissIndex, vectors: NDArray[np.float32], depth: int) -> None:
        self._index = index
        self._vectors = vectors
        self._depth = depth

    def hits(self, rows: Sequence[int]) -> list[list[Hit]]:
        """The hits of some queries, in canonical order."""
        return self._index.search(self._vectors[list(rows)], self._depth)

    def recall(self, exact: Finds) -> dict[int, float]:
        """Depth to the share of the exact search's first passages that are among the index's, averaged over all queries."""
        depths = [depth for depth in _RECALL_AT if depth <= self._depth] or [self._depth]
        shares = []
        for start in range(0, len(self._vectors), _COMPARED_AT_ONCE):
            rows = range(start, min(start + _COMPARED_AT_ONCE, len(self._vectors)))
            for hits, best in zip(self.hits(rows), exact.hits(rows), strict=True):
                shares.append([_share(hits, best, depth) for depth in depths])
        return dict(zip(depths, np.mean(shares, axis=0).tolist(), strict=True))


class IndexSearch(StoredSearch):
    """A search by FAISS, compared with the exact search.

    Args:
        indexes: collection to its index.
        exact: the same search without an index.

    The other arguments are those of :class:`StoredSearch`.
    """

    def __init__(
        self,
        large: LargeSuite,
        collections: Mapping[str, StoredCollection],
        depth: int,
        identity: SearcherIdentity,
        *,
        indexes: Mapping[str, FaissIndex],
        exact: StoredSearch,
    ) -> None:
        super().__init__(large, collections, depth, identity, lambda name, _, vectors: IndexFinds(indexes[name], vectors, depth))
        self._exact = exact
        self._kind = next(iter(indexes.values())).kind

    def notes(self) -> list[str]:
        """The recall of each collection's index."""
        notes = []
        for name, finds in self.found.items():
            recall = cast(IndexFinds, finds).recall(self._exact.found[name])
            shares = ", ".join(f"{share:.4f} of the first {depth}" for depth, share in recall.items())
            notes.append(f"{self._kind} on {name} finds, of what the exact search finds, {shares}.")
        return notes


def _share(found: Sequence[Hit], best: Sequence[Hit], depth: int) -> float:
    wanted = {hit.doc_id for hit in best[:depth]}
    return len(wanted & {hit.doc_id for hit in found[:depth]}) / len(wanted)
