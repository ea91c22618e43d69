"""What a suite expects of a submission: queries, relevant passages and pool sizes."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_bench.datasets.groups import grouped_by
from hybrid_bench.datasets.judged import JudgedQueries, judged_queries
from hybrid_bench.datasets.parts import Collection, QuerySet
from hybrid_bench.datasets.resolvers import SUITES, load_suite
from hybrid_bench.datasets.settings import ALL, Attribute
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.results.ranks import QuerySetRanks

if TYPE_CHECKING:
    from collections.abc import Sequence


class Relevant(NamedTuple):
    """A relevant passage of a query, by its TREC id."""

    doc_id: str
    collection: str
    relevance: int


class SuiteData:
    """The judged queries of a suite; passages are read on first use, because a suite may have millions."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.judged: dict[str, JudgedQueries] = judged_queries(suite)
        #: Whether there is a pool of all collections.
        self.pooled = ALL in suite.pools
        #: In what its collections differ, by which passages among the top 20 are counted.
        self.attribute: Attribute = _attribute(suite)
        #: The query sets that are asked on the pool of all.
        self.on_all = frozenset(setting.query_set for setting in suite.settings if setting.pool == ALL)
        #: Names of the measures that are recomputed.
        self.measures = suite.measures or DEFAULT_MEASURES

    @functools.cached_property
    def relevant(self) -> dict[str, dict[str, list[Relevant]]]:
        """Query set to query id (in the suite's order) to relevant passages, sorted by ascending TREC id."""
        found: dict[str, dict[str, list[Relevant]]] = {}
        for name, part in self.judged.items():
            of_query: dict[str, list[Relevant]] = {query.id: [] for query in part.queries}
            for query_id, doc_id, relevance, collection in self._judgements(part):
                if query_id in of_query:
                    of_query[query_id].append(Relevant(doc_id, collection, relevance))
            found[name] = of_query
        return found

    def _judgements(self, part: JudgedQueries) -> list[tuple[str, str, int, str]]:
        """(query id, TREC id, grade, collection), sorted and distinct."""
        trec_id = self.suite.trec_id
        return sorted({(j.query_id, trec_id(j.collection, j.doc_id), j.relevance, j.collection) for j in part.judgements})

    @functools.cached_property
    def unranked(self) -> dict[str, QuerySetRanks]:
        """Query set to the relevant passages of its queries, sorted by descending TREC id, with ranks 0."""
        found = {}
        for name, part in self.relevant.items():
            pairs = [(number, pair) for number, of_query in enumerate(part.values()) for pair in reversed(of_query)]
            nowhere = np.zeros(len(pairs), dtype=np.int32)
            found[name] = QuerySetRanks(
                query_ids=list(part),
                query=np.array([number for number, _ in pairs], dtype=np.int32),
                collection=np.array([pair.collection for _, pair in pairs]),
                doc_id=[pair.doc_id for _, pair in pairs],
                relevance=np.array([pair.relevance for _, pair in pairs], dtype=np.int32),
                rank=nowhere,
            )
        return found

    @functools.cached_property
    def passage_ids(self) -> dict[str, Sequence[str]]:
        """Collection to the TREC ids of its passages, in its order."""
        trec_id = self.suite.trec_id
        return {of.name: [trec_id(of.name, record.doc_id) for record in of.passages()] for of in self.suite.collections}

    def has_own(self, query_set: str) -> bool:
        """Whether passages of the language or domain of a query set are counted in the pool of all: asked there, and has one."""
        return query_set in self.on_all and getattr(self.suite.query_set(query_set), self.attribute) is not None

    @functools.cached_property
    def pool_sizes(self) -> dict[str, int]:
        """Collection to number of passages; empty without a pool of all, where collections may be too large to read."""
        return {name: len(ids) for name, ids in self.passage_ids.items()} if self.pooled else {}

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of the judged queries (ids and texts) and the judgements; identifies the data that ranks were computed on."""
        digest = hashlib.sha256(f"{self.suite.name}\n".encode())
        for name, part in self.judged.items():
            for query in part.queries:
                content = query.content if isinstance(query.content, str) else f"image {query.content.name}"
                digest.update(f"{name}\t{query.id}\t{content}\n".encode())
            for query_id, doc_id, relevance, _ in self._judgements(part):
                digest.update(f"{name}\t{query_id}\t{doc_id}\t{relevance}\n".encode())
        return digest.hexdigest()


def known(name: str) -> bool:
    """Whether a suite accepts submissions; never a path.

    Registered suites of texts and images do, whose only pool of several collections is that of all texts: rank tables state the
    ranks in a passage's collection and in that pool, and how many passages there are in the query's language or, where the pool
    is of one language, its domain. So do the dev splits of MIRACL's languages (``miracl/sw/dev``) and the judged sets of BEIR
    (``beir/nfcorpus/test``), by their ir_datasets ids.
    """
    if name in SUITES:
        return _fits(SUITES.get(name))
    suite, _, split = name.partition("/")
    if suite == "beir":
        return _is_judged(name)
    return suite in SUITES and split in {f"{language}/dev" for language in SUITES.get(suite).languages} and _is_judged(name)


def _attribute(suite: Suite) -> Attribute:
    """What the collections of the pool of all differ in, the language if it is both; the language without such a pool."""
    return next(iter(grouped_by(suite, ALL)), "language") if ALL in suite.pools else "language"


def _fits(suite: Suite) -> bool:
    """Whether a suite is of images and of texts of stated languages or domains, with no pool of several but that of all texts."""
    parts: list[QuerySet | Collection] = [*suite.query_sets, *suite.collections]
    stated = all(part.modality == "image" or getattr(part, _attribute(suite)) for part in parts)
    images = {of.name for of in suite.collections if of.modality == "image"}
    texts = set(suite.all_collections) - images
    return stated and set(suite.pools) <= {ALL} and set(suite.pools.get(ALL, ())) in (set(), texts)


def _is_judged(dataset_id: str) -> bool:
    """Whether ir_datasets has documents, queries and judgements of an id; nothing is downloaded."""
    import ir_datasets

    if dataset_id not in ir_datasets.registry:
        return False
    dataset = ir_datasets.load(dataset_id)
    return bool(dataset.has_docs() and dataset.has_queries() and dataset.has_qrels())


@functools.lru_cache(maxsize=8)
def load(name: str) -> SuiteData:
    """Load what a suite expects; images that are the user's own stand by their names, so that none is needed.

    Raises:
        HybridBenchError: if the suite does not accept submissions, or its files cannot be obtained.
    """
    require(name)
    suite = load_suite(name)
    return SuiteData(suite.by_name() if suite.by_name else suite)


def require(name: str) -> None:
    """Check that a suite accepts submissions, without loading it.

    Raises:
        HybridBenchError: if it does not.
    """
    if not known(name):
        whole = name.partition("+")[0]
        if whole != name and known(whole):
            raise HybridBenchError(
                f"{name} is a part of {whole}, and submissions are of whole suites", f"Evaluate {whole}, then pack."
            )
        if name in SUITES:
            raise HybridBenchError(
                f"the suite {name!r} does not accept submissions",
                "Its texts must have languages or domains, and its only pool of several collections must be that of all texts.",
            )
        raise UnknownNameError("suite for submissions", name, [*SUITES, "miracl/yo/dev"])
