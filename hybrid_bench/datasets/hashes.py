"""Hashes of what a result depends on: suites, queries, passages."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hybrid_bench.datasets.judged import qrels
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import Judgement, Suite
from hybrid_bench.support.hashing import TextsDigest, texts_hash


def suite_hash(suite: Suite) -> str:
    """Of everything that decides a result on a suite: ids and texts of its questions and passages, and its judgements."""
    digest = TextsDigest()
    for language in suite.languages:
        for query in suite.queries(language):
            digest.update((query.query_id, query.default_text()))
        for judgement in suite.judgements(language):
            digest.update((judgement.query_id, judgement.doc_id, str(judgement.relevance)))
    for language in suite.passage_languages:
        for doc in suite.docs(language):
            digest.update((language, doc.doc_id, doc.default_text()))
    return digest.hexdigest()


def queries_hash(suite: Suite, language: str, judgements: Sequence[Judgement] | None = None) -> str:
    """As results record it: sha256 of the queries of a language that have a relevant passage; empty if none has."""
    known = suite.judgements(language) if judgements is None else judgements
    answered = qrels(suite, Setting(language, ALL if suite.pooled else language), known)
    texts = (text for text in suite.query_texts(language) if text.id in answered)
    return texts_hash(itertools.chain.from_iterable(texts)) if answered else ""


def passages_hash(suite: Suite, language: str) -> str:
    """As results record it: sha256 of the passages of a language, of which one at a time is held."""
    return texts_hash(itertools.chain.from_iterable((doc.doc_id, doc.default_text()) for doc in suite.docs(language)))
