"""A small part of a suite, for a quick look."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from typing import Any

from hybrid_bench.datasets.judged import judged_in
from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError


def limited(suite: Suite, first: int) -> Suite:
    """The suite with few queries and passages, named ``<name>+first<number>``; its scores are not those of the suite.

    Args:
        suite: any.
        first: number of queries of each query set, the first that have a relevant passage, and of passages of each collection
            besides those that are relevant to these queries.

    Raises:
        HybridBenchError: if the number is less than 1.
    """
    if first < 1:
        raise HybridBenchError(f"the first {first} queries are none", "Use a limit of 1 or more.")

    @functools.cache
    def asked(query_set: str) -> frozenset[str]:
        return frozenset(query.id for query in judged_in(suite, query_set).queries[:first])

    @functools.cache
    def relevant() -> frozenset[tuple[str, str]]:
        found = (judgement for of in suite.query_sets for judgement in judgements(of))
        return frozenset((judgement.collection, judgement.doc_id) for judgement in found if judgement.relevance > 0)

    def queries(of: QuerySet) -> Iterable[Any]:
        return (record for record in of.queries() if record.query_id in asked(of.name))

    def judgements(of: QuerySet) -> Iterable[Judgement]:
        return (judgement for judgement in of.judgements() if judgement.query_id in asked(of.name))

    def passages(of: Collection) -> Iterator[Any]:
        others = 0
        for record in of.passages():
            if (of.name, record.doc_id) in relevant():
                yield record
            elif others < first:
                others += 1
                yield record

    return dataclasses.replace(
        suite,
        name=f"{suite.name}+first{first}",
        base=suite.base_name,
        limit=first,
        query_sets=tuple(
            dataclasses.replace(of, queries=functools.partial(queries, of), judgements=functools.partial(judgements, of))
            for of in suite.query_sets
        ),
        collections=tuple(
            dataclasses.replace(of, passages=functools.partial(passages, of), count=lambda: None) for of in suite.collections
        ),
    )


def has_some_languages(suite: Suite) -> bool:
    """Whether some languages of a suite were chosen, with or without a limit."""
    return bool(suite.base) and suite.name.removesuffix(f"+first{suite.limit}") != suite.base


def note(suite: Suite) -> list[str]:
    """What the result on such a part says."""
    if not suite.limit:
        return []
    return [
        f"A quick look at {suite.base_name}: the first {suite.limit} queries of each query set, on their relevant passages and "
        f"the first {suite.limit} others of each collection. Scores are higher than on the suite and not comparable with them."
    ]
