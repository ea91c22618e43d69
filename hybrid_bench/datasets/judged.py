"""The queries that have a relevant passage, with their judgements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import Judgement, Suite, Text
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Questions:
    """What is asked in one language."""

    queries: list[Text]
    judgements: list[Judgement]


def questions_of(suite: Suite) -> dict[str, Questions]:
    """The queries that have a relevant passage in the suite, with their relevant passages."""
    questions = {}
    for language in suite.languages:
        judgements = [judgement for judgement in suite.judgements(language) if judgement.relevance > 0]
        answered = {judgement.query_id for judgement in judgements}
        queries = [query for query in suite.query_texts(language) if query.id in answered]
        if queries:
            questions[language] = Questions(queries, judgements)
    if not questions:
        raise HybridBenchError(f"no query of {suite.name} has a relevant passage", "Check its qrels.")
    return questions


def qrels(suite: Suite, setting: Setting, judgements: Iterable[Judgement]) -> dict[str, dict[str, int]]:
    """The relevant passages of a setting's pool by query: a query without any does not count in the setting."""
    several = suite.pooled and len(suite.passage_languages) > 1
    inside = set(suite.passage_languages) if setting.pool == ALL else {setting.pool}
    found: dict[str, dict[str, int]] = {}
    for query_id, doc_id, relevance in judgements:
        if relevance > 0 and (not several or doc_id.partition("-")[0] in inside):
            found.setdefault(query_id, {})[doc_id] = relevance
    return found
