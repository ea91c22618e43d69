"""Scoring full runs through ir_measures and comparing: the proof that ranks were counted right."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np
from numpy.typing import NDArray

from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.measures import provider
from hybrid_bench.measures.bias import rank_distance
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import PoolPairs
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.retrieval.exact.full_runs import FullRuns

#: What rounding in another order of summation may make of a difference.
TOLERANCE = 1e-9
#: Scores of one call of ir_measures at most; its dictionaries take about 100 bytes a score.
_SCORES_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Comparison:
    """How far two ways of scoring are apart.

    Attributes:
        settings: how many were compared.
        values: how many values, each of one query, setting and measure.
        largest: the largest absolute difference.
        where: where it was.
    """

    settings: int
    values: int
    largest: float
    where: str

    def __str__(self) -> str:
        at = f", at {self.where}" if self.largest else ""
        return f"{self.values:,} values in {self.settings} settings; largest difference {self.largest:.3g}{at}"


def compare(runs: FullRuns, ranks: Ranks, measures: Sequence[str], progress: Callable[[int], None] | None = None) -> Comparison:
    """Score every setting from full runs through ir_measures, query by query, and compare with the ranks' values.

    RR with a cut-off is left out: ir_measures hands it to a provider that breaks ties by ascending document id.
    """
    provider.register()
    parsed = [measure for measure in parse(list(measures)) if measure.NAME != "RR" or "cutoff" not in measure.params]
    pairs = {language: PoolPairs.of(found) for language, found in ranks.by_language.items()}
    values_of = {language: {str(m): of_language.values(m) for m in parsed} for language, of_language in pairs.items()}
    expected = {setting: _expected(ranks, setting, values_of.get(setting.query_language, {})) for setting in runs.settings}
    qrels = {setting: _qrels(ranks, setting) for setting in runs.settings}
    values, largest, where = 0, 0.0, ""
    for language, query_ids, scores in runs.blocks():
        for setting in (s for s in runs.settings if s.query_language == language and expected[s]):
            pool = runs.pool(setting)
            doc_ids = runs.columns.ids[pool]
            spans = setting.pool == ALL and ranks.by_language[language].spans_languages()
            asked = [*parsed, provider.RankDistance] if spans else parsed
            step = max(1, _SCORES_AT_ONCE // len(doc_ids))
            for start in range(0, len(query_ids), step):
                part = query_ids[start : start + step]
                judged = {query_id: qrels[setting][query_id] for query_id in part if query_id in qrels[setting]}
                run = {
                    query_id: dict(zip(doc_ids, row, strict=True))
                    for query_id, row in zip(part, scores[start : start + step, pool].tolist(), strict=True)
                    if query_id in judged
                }
                for metric in ir_measures.iter_calc(asked, judged, run) if judged else ():
                    if math.isnan(metric.value):  # RankDistance of a query with one relevant passage
                        continue
                    difference = abs(metric.value - expected[setting][metric.query_id, str(metric.measure)])
                    values += 1
                    if difference > largest:
                        largest = difference
                        where = f"{metric.measure} of {metric.query_id} in {setting.query_language}:{setting.pool}"
        if progress:
            progress(len(query_ids))
    missing = sum(map(len, expected.values())) - values
    if missing:
        raise AssertionError(f"ir_measures gave {missing} values fewer than there are")
    return Comparison(sum(map(bool, expected.values())), values, largest, where)


def _expected(
    ranks: Ranks, setting: Setting, values: Mapping[str, Mapping[str, NDArray[np.float64]]]
) -> dict[tuple[str, str], float]:
    """(query id, measure) to the value that was computed from ranks."""
    query_ids = ranks.query_ids(setting.query_language, setting.pool)
    if not query_ids:
        return {}
    found = {
        (query_id, measure): float(value)
        for measure, of_pool in values.items()
        for query_id, value in zip(query_ids, of_pool[setting.pool], strict=True)
    }
    of_language = ranks.by_language[setting.query_language]
    if setting.pool == ALL and of_language.spans_languages():
        several = [of_language.query_ids[query] for query, count in Counter(of_language.query.tolist()).items() if count > 1]
        distance = rank_distance(of_language.query, of_language.rank_all)
        found |= {(query_id, "RankDistance"): float(gap) for query_id, gap in zip(several, distance, strict=True)}
    return found


def _qrels(ranks: Ranks, setting: Setting) -> dict[str, dict[str, int]]:
    found = ranks.by_language.get(setting.query_language)
    qrels: dict[str, dict[str, int]] = {}
    if found is None:
        return qrels
    for query, language, doc_id, relevance in zip(
        found.query, found.passage_language.tolist(), found.doc_id, found.relevance.tolist(), strict=True
    ):
        if setting.pool in (ALL, language):
            qrels.setdefault(found.query_ids[query], {})[doc_id] = relevance
    return qrels
