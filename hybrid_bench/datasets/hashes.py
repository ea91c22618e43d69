"""Hashes of the data that a result depends on: suites, query sets, collections."""

from __future__ import annotations

from collections.abc import Iterable

from hybrid_bench.datasets.judged import judged_in
from hybrid_bench.datasets.parts import Item, Judgement
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.support.hashing import TextsDigest


def items_hash(items: Iterable[Item]) -> str:
    """sha256 of ids and contents in order; one item at a time is held.

    Args:
        items: queries or passages.

    Returns:
        64 hexadecimal digits.
    """
    digest = TextsDigest()
    for item in items:
        digest.update((item.id, item.content))
    return digest.hexdigest()


def queries_hash(suite: Suite, query_set: str) -> str:
    """The hash of a query set's queries that have a relevant passage; empty if none has."""
    queries = judged_in(suite, query_set).queries
    return items_hash(queries) if queries else ""


def judgements_hash(suite: Suite, judgements: Iterable[Judgement]) -> str:
    """The hash of the relevant passages of a query set and their grades, in any order; empty if there are none."""
    relevant = sorted(
        (judgement.query_id, suite.trec_id(judgement.collection, judgement.doc_id), str(judgement.relevance))
        for judgement in judgements
        if judgement.relevance > 0
    )
    digest = TextsDigest()
    for judgement in relevant:
        digest.update(judgement)
    return digest.hexdigest() if relevant else ""


def passages_hash(suite: Suite, collection: str) -> str:
    """The hash of a collection's passages, by their TREC ids."""
    return items_hash(suite.passage_stream(collection))


def suite_hash(suite: Suite) -> str:
    """The hash of everything that decides a result on a suite: queries, passages and judgements.

    Args:
        suite: whose texts are all read.

    Returns:
        64 hexadecimal digits.
    """
    digest = TextsDigest()
    for queries in suite.query_sets:
        for query in suite.queries(queries.name):
            digest.update((query.id, query.content))
        for judgement in queries.judgements():
            doc_id = suite.trec_id(judgement.collection, judgement.doc_id)
            digest.update((judgement.query_id, doc_id, str(judgement.relevance)))
    for collection in suite.collections:
        for passage in suite.passage_stream(collection.name):
            digest.update((collection.name, passage.id, passage.content))
    return digest.hexdigest()
