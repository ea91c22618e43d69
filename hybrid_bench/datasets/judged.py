"""Judged queries: those that have a relevant passage, with their relevant passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hybrid_bench.datasets.parts import Item, Judgement
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError


@dataclass(frozen=True)
class JudgedQueries:
    """The queries of a query set that count.

    Attributes:
        queries: those with a relevant passage in the suite, in the order of the query set.
        judgements: of relevance 1 or more.
    """

    queries: list[Item]
    judgements: list[Judgement]


def judged_queries(suite: Suite) -> dict[str, JudgedQueries]:
    """Query set to its queries that have a relevant passage in the suite; query sets without one are left out.

    Raises:
        HybridBenchError: if no query has a relevant passage, or a judgement names a collection that the suite does not have.
    """
    found = {}
    for of in suite.query_sets:
        judgements = list(_relevant(suite, of.judgements()))
        answered = {judgement.query_id for judgement in judgements}
        queries = [query for query in suite.queries(of.name) if query.id in answered]
        if queries:
            found[of.name] = JudgedQueries(queries, judgements)
    if not found:
        raise HybridBenchError(f"no query of {suite.name} has a relevant passage", "Check its qrels.")
    return found


def qrels(suite: Suite, setting: Setting, judgements: Iterable[Judgement]) -> dict[str, dict[str, int]]:
    """Query id to TREC id to grade of the relevant passages in a setting's pool.

    A query without a relevant passage there does not count in the setting and is left out.

    Raises:
        HybridBenchError: if a judgement names a collection that the suite does not have.
    """
    inside = set(suite.pool(setting.pool))
    found: dict[str, dict[str, int]] = {}
    for query_id, collection, doc_id, relevance in _relevant(suite, judgements):
        if collection in inside:
            found.setdefault(query_id, {})[suite.trec_id(collection, doc_id)] = relevance
    return found


def _relevant(suite: Suite, judgements: Iterable[Judgement]) -> Iterator[Judgement]:
    """The judgements of relevance 1 or more."""
    known = {collection.name for collection in suite.collections}
    for judgement in judgements:
        if judgement.relevance < 1:
            continue
        if judgement.collection not in known:
            raise HybridBenchError(
                f"a judgement of query {judgement.query_id!r} names the collection {judgement.collection!r}, "
                f"which {suite.name} does not have",
                "Correct the suite's judgements, or add the collection.",
            )
        yield judgement
