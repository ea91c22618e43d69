"""From runs to the long-form scores of a result, through ir_measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import ir_measures

from hybrid_bench.datasets.suite import ALL, Judgement, Setting, Suite
from hybrid_bench.measures.from_ranks import known
from hybrid_bench.measures.scores import SAME_LANGUAGE_DEPTH, score_row
from hybrid_bench.results.record import Score
from hybrid_bench.retrieval.runs import Run


def qrels(suite: Suite, setting: Setting, judgements: Iterable[Judgement]) -> dict[str, dict[str, int]]:
    """The relevant passages of a setting's pool by query: a query without any does not count in the setting."""
    several = suite.pooled and len(suite.passage_languages) > 1
    inside = set(suite.passage_languages) if setting.pool == ALL else {setting.pool}
    found: dict[str, dict[str, int]] = {}
    for query_id, doc_id, relevance in judgements:
        if relevance > 0 and (not several or doc_id.partition("-")[0] in inside):
            found.setdefault(query_id, {})[doc_id] = relevance
    return found


def score_run(
    suite: Suite, setting: Setting, judged: Mapping[str, Mapping[str, int]], run: Run, measures: Sequence[str]
) -> list[Score]:
    """Average every measure over the judged queries; one that the run does not have counts with 0.

    On the pool of all languages the share of the query's language in the first 20 is added.
    """
    scored = {query_id: {hit.doc_id: hit.score for hit in run.get(query_id, ())} for query_id in judged}
    # trec_eval gives no value to a query whose list is empty, and ir_measures none to a missing one: both count with 0.
    found = {query_id: hits for query_id, hits in scored.items() if hits}
    parsed = known(measures)
    total = dict.fromkeys(map(str, parsed), 0.0)
    for metric in ir_measures.iter_calc(parsed, {q: dict(grades) for q, grades in judged.items()}, found) if found else ():
        total[str(metric.measure)] += float(metric.value)
    rows = [score_row(suite, setting, name, value / len(judged), len(judged)) for name, value in total.items()]
    if setting.pool == ALL and len(suite.passage_languages) > 1:
        same = sum(
            hit.doc_id.partition("-")[0] == setting.query_language
            for query_id in judged
            for hit in run.get(query_id, ())[:SAME_LANGUAGE_DEPTH]
        )
        share = same / SAME_LANGUAGE_DEPTH / len(judged)
        rows.append(score_row(suite, setting, f"SameLanguage@{SAME_LANGUAGE_DEPTH}", share, len(judged)))
    return rows
