"""Small suites: collections that differ in language, or in domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ir_datasets.formats import GenericDoc, GenericQuery

from hybrid_bench import Collection, Judgement, QuerySet, Suite
from hybrid_bench.plugin import domain_settings, language_settings

#: Collection to the ids of its passages; the same ids in each.
IDS = ("1", "2", "3")


def collection(name: str, doc_ids: Iterable[str] = IDS, **attributes: Any) -> Collection:
    """Passages whose texts name their collection and id."""
    docs = [GenericDoc(doc_id, f"Passage {doc_id} of {name}.") for doc_id in doc_ids]
    return Collection(name, lambda: iter(docs), **attributes)


def query_set(
    name: str, judgements: Sequence[Judgement] = (), query_ids: Iterable[str] = ("q1", "q2"), **attributes: Any
) -> QuerySet:
    """Queries whose texts name their query set and id."""
    queries = [GenericQuery(query_id, f"Query {query_id} of {name}?") for query_id in query_ids]
    return QuerySet(name, lambda: iter(queries), lambda: iter(judgements), **attributes)


def by_language(
    languages: Sequence[str],
    judgements: Mapping[str, Sequence[Judgement]] | None = None,
    doc_ids: Mapping[str, Iterable[str]] | None = None,
    **more: Any,
) -> Suite:
    """A suite with a query set and a collection for each language and a pool of all."""
    query_sets = tuple(query_set(name, (judgements or {}).get(name, ()), language=name) for name in languages)
    collections = tuple(collection(name, (doc_ids or {}).get(name, IDS), language=name) for name in languages)
    given: dict[str, Any] = {"settings": language_settings(query_sets, collections), "pools": _all(languages)}
    return Suite("toy", "", query_sets, collections, **given | more)


def by_domain(domains: Sequence[str], judgements: Mapping[str, Sequence[Judgement]] | None = None, **more: Any) -> Suite:
    """A suite in English with a query set and a collection for each domain and a pool of all."""
    query_sets = tuple(query_set(name, (judgements or {}).get(name, ()), language="en", domain=name) for name in domains)
    collections = tuple(collection(name, language="en", domain=name) for name in domains)
    given: dict[str, Any] = {"settings": domain_settings(query_sets, collections), "pools": _all(domains)}
    return Suite("domains", "", query_sets, collections, **given | more)


def _all(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {"all": tuple(names)} if len(names) > 1 else {}
