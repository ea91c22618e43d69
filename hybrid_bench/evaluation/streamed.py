"""An encoder on a large suite: collections are encoded as streams, searched to a depth, and scored from runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from hybrid_bench.datasets.parts import Item
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.embeddings.given import GivenVectors
from hybrid_bench.embeddings.stored_collection import Collection as StoredCollection
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.evaluation.assemble import SearcherIdentity
from hybrid_bench.evaluation.identity import renamed
from hybrid_bench.evaluation.large_suite import LargeSuite
from hybrid_bench.evaluation.loading import words_of
from hybrid_bench.evaluation.options import DEPTH, EvaluationOptions
from hybrid_bench.evaluation.provenance import command_line, public_card
from hybrid_bench.evaluation.runs import RunOptions, evaluate_runs
from hybrid_bench.results.record import Result
from hybrid_bench.results.runs import Hit, canonical
from hybrid_bench.retrieval.streamed.search import QUERIES_AT_ONCE, search
from hybrid_bench.support.progress import Progress, SilentProgress


class Finds(Protocol):
    """What was found for the queries of a collection, by the number of the query."""

    def hits(self, rows: Sequence[int]) -> list[list[Hit]]:
        """The hits of some queries, in canonical order."""


class StoredSearch:
    """Searches each collection once for all queries that are asked on it, and merges the lists for pools of several.

    A :class:`hybrid_bench.evaluation.runs.Searcher`.

    Args:
        large: the suite and the encoder.
        collections: their vectors.
        depth: passages a query.
        identity: what a result states of the encoder.
        find: searches a collection for the vectors of all queries; by default exactly.
    """

    exhaustive = False

    def __init__(
        self,
        large: LargeSuite,
        collections: Mapping[str, StoredCollection],
        depth: int,
        identity: SearcherIdentity,
        find: Callable[[str, StoredCollection, np.ndarray], Finds] | None = None,
    ) -> None:
        self._large = large
        self._collections = collections
        self._depth = depth + large.suite.drops_own  # evaluate_runs leaves a query's own passage out
        self.identity = identity
        self._find = find or self._exactly
        self._rows: dict[str, dict[tuple[str, str], int]] = {}

    @functools.cached_property
    def found(self) -> dict[str, Finds]:
        """Collection to what the queries find there; searched when it is first asked for."""
        large = self._large
        queries = {of.name: large.queries(of.name) for of in large.suite.query_sets}
        found = {}
        for name, collection in self._collections.items():
            asked = large.suite.asked_on(name)
            if not asked:
                continue
            vectors = np.concatenate([queries[query_set][1] for query_set in asked])
            rows = [(query_set, query_id) for query_set in asked for query_id in queries[query_set][0]]
            self._rows[name] = {row: number for number, row in enumerate(rows)}
            large.progress.start(f"search {name}", len(collection) * -(-len(rows) // QUERIES_AT_ONCE))
            found[name] = self._find(name, collection, vectors)
        return found

    def _exactly(self, name: str, collection: StoredCollection, vectors: np.ndarray) -> Finds:
        return search(collection, vectors, self._depth, executor=self._large.executor, progress=self._large.progress.advance)

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> dict[str, list[Hit]]:
        """The best passages of a pool for some queries; at most as many as the search's depth."""
        inside = self._large.suite.pool(setting.pool)
        lists: dict[str, list[Hit]] = {query.id: [] for query in queries}
        for name in inside:
            found = self.found[name]
            rows = [self._rows[name][setting.query_set, query.id] for query in queries]
            for query, hits in zip(queries, found.hits(rows), strict=True):
                lists[query.id] += hits
        return lists if len(inside) == 1 else {query_id: canonical(hits, self._depth) for query_id, hits in lists.items()}

    def passages(self) -> dict[str, str]:
        """Collection to the hash of its passages."""
        return {name: collection.manifest.texts for name, collection in self._collections.items()}

    def notes(self) -> Sequence[str]:
        """What was odd in the collections as they were read; what is rounded on disk is in the result's ``storage``."""
        return self._large.survey.oddities.notes()


def identity_of(large: LargeSuite, **changes: Any) -> SearcherIdentity:
    """What a result states of an encoder whose vectors are stored."""
    encoder = large.encoder
    stated: dict[str, Any] = {
        "card": public_card(encoder.card),
        "fingerprint": encoder.fingerprint,
        "passage_text": large.passage_text,
        "dtype": encoder.dtype,
        "device": encoder.device,
        "storage": large.storage,
    }
    return SearcherIdentity(**(stated | changes))


def evaluate_large(
    encoder: Encoder | GivenVectors | str | Any, suite: Suite, options: EvaluationOptions, *, progress: Progress | None = None
) -> Result:
    """Score an encoder on a large suite.

    Args:
        encoder: an encoder, the name of one, or vectors.
        suite: restricted to the languages that were asked for.
        options: how it is encoded and searched; see :class:`EvaluationOptions`.
        progress: where to report.

    Raises:
        HybridBenchError: if the encoder, the suite, or the machine is at fault. What was done is kept.
    """
    progress = progress or SilentProgress()
    large = LargeSuite.of(encoder, suite, options, progress)
    depth, measures = options.depth or DEPTH, options.measures_on(suite)
    with progress:
        searcher = StoredSearch(large, large.encode_all(), depth, renamed(identity_of(large), options.name))
    words, stated = words_of(encoder, large.encoder, options)
    return evaluate_runs(
        searcher,
        suite,
        command=command_line(["evaluate", *words, "--suite", suite.asked_as], stated | options.words(suite)),
        options=RunOptions(measures, depth, None, options.results, options.strict, options.overwrite, options.keep),
        progress=progress,
    )
