"""Judged queries: those that have a relevant passage, with their relevant passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hybrid_bench.datasets.oddities import Oddities
from hybrid_bench.datasets.parts import Item, Judgement
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.trec_ids import look
from hybrid_bench.errors import HybridBenchError

#: Grades are stored as int32.
_LARGEST_GRADE = 2**31 - 1


@dataclass(frozen=True)
class JudgedQueries:
    """The queries of a query set that count.

    Attributes:
        queries: those with a relevant passage in the suite, in the order of the query set.
        judgements: of relevance 1 or more, of these queries; one for each query and passage.
    """

    queries: list[Item]
    judgements: list[Judgement]


def judged_queries(suite: Suite, oddities: Oddities | None = None) -> dict[str, JudgedQueries]:
    """Query set to its queries that have a relevant passage in the suite; query sets without one are left out, and counted.

    Args:
        suite: of the query sets.
        oddities: counts what is accepted by a rule.

    Returns:
        Name of the query set to its queries and their judgements.

    Raises:
        HybridBenchError: if no query has a relevant passage, or as by :func:`judged_in`.
    """
    oddities = oddities or Oddities()
    found = {of.name: judged_in(suite, of.name, oddities) for of in suite.query_sets}
    if not any(judged.queries for judged in found.values()):
        raise HybridBenchError(f"no query of {suite.name} has a relevant passage", "Check its qrels.")
    for name in [name for name, judged in found.items() if not judged.queries]:
        oddities.add("no-scores", repr(name))
        del found[name]
    return found


def judged_in(suite: Suite, query_set: str, oddities: Oddities | None = None) -> JudgedQueries:
    """The queries of a query set that have a relevant passage in the suite.

    Judgements of queries that do not exist are left out, as by BEIR, and queries without a relevant passage. Both are counted.

    Raises:
        HybridBenchError: if a judgement names a collection that the suite does not have, or a query whose id differs from that
            of a query of the set only in Unicode form or in quotes.
    """
    oddities = oddities or Oddities()
    stated = list(suite.query_set(query_set).judgements())
    judgements = list(_relevant(suite, stated, oddities))
    queries = suite.queries(query_set, oddities)
    known = {query.id for query in queries}
    alike = {look(query_id): query_id for query_id in known}
    kept = []
    for judgement in judgements:
        if judgement.query_id in known:
            kept.append(judgement)
            continue
        refuse_alike("query", judgement.query_id, alike.get(look(judgement.query_id)), suite.name)
        oddities.add("no-query", repr(judgement.query_id))
    judged, answered = ({judgement.query_id for judgement in some} for some in (stated, kept))
    for query_id in (query.id for query in queries if query.id not in answered):
        oddities.add("none-relevant" if query_id in judged else "unjudged", repr(query_id))
    return JudgedQueries([query for query in queries if query.id in answered], kept)


def refuse_alike(what: str, judged: str, found: str | None, where: str) -> None:
    """Raise HybridBenchError for an id in the qrels that differs from one that is there only to a machine.

    Args:
        what: ``query`` or ``passage``.
        judged: the id that does not exist.
        found: the one that looks like it; None if there is none.
        where: the name of the suite or collection.
    """
    if found is not None:
        raise HybridBenchError(
            f"the qrels name the {what} {judged!a}, and {where} has {found!a}: they look alike and are not the same",
            "Write the ids in one form in both files: the same Unicode normalisation (NFC), and no quotes or spaces around them.",
        )


def qrels(suite: Suite, setting: Setting, judgements: Iterable[Judgement]) -> dict[str, dict[str, int]]:
    """Query id to TREC id to grade of the relevant passages in a setting's pool.

    A query without a relevant passage there does not count in the setting and is left out.

    Args:
        suite: of the setting.
        setting: whose pool is searched.
        judgements: of its query set.

    Returns:
        Query id to TREC id to grade, 1 or more.

    Raises:
        HybridBenchError: if a judgement names a collection that the suite does not have.
    """
    inside = set(suite.pool(setting.pool))
    found: dict[str, dict[str, int]] = {}
    for query_id, collection, doc_id, relevance in _relevant(suite, judgements, Oddities()):
        if collection in inside:
            found.setdefault(query_id, {})[suite.trec_id(collection, doc_id)] = relevance
    return found


def _relevant(suite: Suite, judgements: Iterable[Judgement], oddities: Oddities) -> Iterator[Judgement]:
    """The judgements of relevance 1 or more. Of several of one pair the last counts, as ir_measures reads qrels."""
    known = {collection.name for collection in suite.collections}
    last: dict[tuple[str, str, str], int] = {}
    for query_id, collection, doc_id, relevance in judgements:
        pair = query_id, collection, doc_id
        if pair in last:
            oddities.add("twice", f"query {query_id!r}, passage {doc_id!r}, graded {last[pair]} and {relevance}")
        last[pair] = relevance
    for (query_id, collection, doc_id), relevance in last.items():
        if relevance < 1:
            continue
        if relevance > _LARGEST_GRADE:
            raise HybridBenchError(
                f"the grade {relevance} of query {query_id!r} is too large", f"Grades go up to {_LARGEST_GRADE}."
            )
        if collection not in known:
            raise HybridBenchError(
                f"a judgement of query {query_id!r} names the collection {collection!r}, which {suite.name} does not have",
                "Correct the suite's judgements, or add the collection.",
            )
        yield Judgement(query_id, collection, doc_id, relevance)
