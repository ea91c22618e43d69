"""Scoring full runs through ir_measures and comparing: the proof that ranks were counted right."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np
from numpy.typing import NDArray

from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures import provider
from hybrid_bench.measures.bias import rank_distance
from hybrid_bench.measures.bias_scores import spans
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import PoolPairs
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.retrieval.exact.full_runs import FullRuns
from hybrid_bench.support.progress import Progress

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


def check_ranks(runs: FullRuns, ranks: Ranks, suite: Suite, measures: Sequence[str], progress: Progress) -> None:
    """Compare the ranks' values with ir_measures' and report; see :func:`compare`.

    Raises:
        HybridBenchError: if a value differs by more than :data:`TOLERANCE`.
    """
    with progress:
        progress.start("check", len(runs.vectors))
        comparison = compare(runs, ranks, suite, measures, progress.advance)
    if comparison.largest > TOLERANCE:
        raise HybridBenchError(f"scores differ from ir_measures': {comparison}", "This is a defect: please report it.")
    progress.say(f"checked through ir_measures: {comparison}")


def compare(
    runs: FullRuns, ranks: Ranks, suite: Suite, measures: Sequence[str], progress: Callable[[int], None] | None = None
) -> Comparison:
    """Score every setting from full runs through ir_measures, query by query, and compare with the ranks' values.

    RR with a cut-off is left out: ir_measures hands it to a provider that breaks ties by ascending document id.
    """
    provider.register()
    parsed = [measure for measure in parse(list(measures)) if measure.NAME != "RR" or "cutoff" not in measure.params]
    pairs = {name: PoolPairs.of(found) for name, found in ranks.by_query_set.items()}
    values_of = {name: {str(measure): of.values(measure) for measure in parsed} for name, of in pairs.items()}
    by_language = {
        setting: setting.query_set in ranks.by_query_set
        and spans(suite, ranks.by_query_set[setting.query_set], setting.pool, "language")
        for setting in runs.settings
    }
    expected = {
        setting: _expected(ranks, setting, values_of.get(setting.query_set, {}), by_language[setting])
        for setting in runs.settings
    }
    qrels = {setting: _qrels(ranks, setting) for setting in runs.settings}
    values, largest, where = 0, 0.0, ""
    for query_set, query_ids, scores in runs.blocks():
        for setting in (setting for setting in runs.settings if setting.query_set == query_set and expected[setting]):
            pool = runs.pool(setting)
            doc_ids = np.array(runs.columns.ids, dtype=object)[pool].tolist()
            asked = [*parsed, provider.RankDistance] if by_language[setting] else parsed
            step = max(1, _SCORES_AT_ONCE // len(doc_ids))
            for start in range(0, len(query_ids), step):
                part = query_ids[start : start + step]
                judged = {query_id: qrels[setting][query_id] for query_id in part if query_id in qrels[setting]}
                run = {
                    query_id: dict(zip(doc_ids, row, strict=True))
                    for query_id, row in zip(part, scores[start : start + step, pool].tolist(), strict=True)
                    if query_id in judged
                }
                for query_id, found in run.items():
                    for doc_id in runs.without(query_set, query_id):
                        found.pop(doc_id, None)
                for metric in ir_measures.iter_calc(asked, judged, run) if judged else ():
                    if math.isnan(metric.value):  # RankDistance of a query with one relevant passage
                        continue
                    difference = abs(metric.value - expected[setting][metric.query_id, str(metric.measure)])
                    values += 1
                    if difference > largest:
                        largest = difference
                        where = f"{metric.measure} of {metric.query_id} in {setting.name}"
        if progress:
            progress(len(query_ids))
    missing = sum(map(len, expected.values())) - values
    if missing:
        raise AssertionError(f"ir_measures gave {missing} values fewer than there are")
    return Comparison(sum(map(bool, expected.values())), values, largest, where)


def _expected(
    ranks: Ranks, setting: Setting, values: Mapping[str, Mapping[str, NDArray[np.float64]]], by_language: bool
) -> dict[tuple[str, str], float]:
    """(query id, measure) to the value that was computed from ranks."""
    query_ids = ranks.query_ids(setting.query_set, setting.pool)
    if not query_ids:
        return {}
    found = {
        (query_id, measure): float(value)
        for measure, of_pool in values.items()
        for query_id, value in zip(query_ids, of_pool[setting.pool], strict=True)
    }
    if by_language:
        of = ranks.by_query_set[setting.query_set]
        inside = of.inside(setting.pool)
        query = of.query[inside]
        several = [of.query_ids[number] for number, count in Counter(query.tolist()).items() if count > 1]
        distance = rank_distance(query, of.rank_in[setting.pool][inside])
        found |= {(query_id, "RankDistance"): float(gap) for query_id, gap in zip(several, distance, strict=True)}
    return found


def _qrels(ranks: Ranks, setting: Setting) -> dict[str, dict[str, int]]:
    found = ranks.by_query_set.get(setting.query_set)
    qrels: dict[str, dict[str, int]] = {}
    if found is None:
        return qrels
    for query, inside, doc_id, relevance in zip(
        found.query, found.inside(setting.pool), found.doc_id, found.relevance.tolist(), strict=True
    ):
        if inside:
            qrels.setdefault(found.query_ids[query], {})[doc_id] = relevance
    return qrels
