"""RankDistance and PEER as ir_measures measures, for use on any run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import ir_measures
import numpy as np
from ir_measures import Measure, Metric, measures, providers
from ir_measures.measures.base import MeanAgg
from ir_measures.providers.base import NOT_PROVIDED
from ir_measures.providers.base import Any as AnyValue
from ir_measures.util import QrelsConverter, RunConverter

from hybrid_bench.measures.bias import peer


class _MeanOfDefined(MeanAgg):
    """The mean over the queries that have a value."""

    def add(self, value: float) -> None:
        if not math.isnan(value):
            super().add(value)


class _LanguageBias(Measure):
    """A measure that a query with fewer than two relevant passages does not have: its value is then NaN."""

    # ir_measures fills in what a provider leaves out, but only if another provider is asked beside it.
    DEFAULT = math.nan

    def aggregator(self) -> MeanAgg:
        return _MeanOfDefined()


class _RankDistance(_LanguageBias):
    """Mean gap between the best and the worst rank of a query's relevant passages in a multilingual pool.

    0 is a pool ranked without regard to language. A relevant passage that is not in the run counts as ranked right after
    its end; the mean is over queries with at least two relevant passages. Source: Elmahdy et al. 2024 (arXiv 2408.10536),
    section 4.1.
    """

    __name__ = "RankDistance"
    NAME = __name__
    PRETTY_NAME = "Rank Distance"
    SHORT_DESC = "The gap between the best and the worst rank of a query's relevant documents."
    SUPPORTED_PARAMS = {
        "rel": measures.ParamInfo(dtype=int, default=1, desc="minimum relevance score to be considered relevant (inclusive)"),
    }


class _PEER(_LanguageBias):
    """Probability of equal expected rank of a query's relevant passages between languages, at a cut-off.

    The language of a passage is what stands before the first ``-`` of its id. Relevant passages that the first ``cutoff``
    of the run do not hold share the mean of the ranks that follow. Source: Yang et al. 2024 (arXiv 2405.00978).
    """

    __name__ = "PEER"
    NAME = __name__
    PRETTY_NAME = "Probability of Equal Expected Rank"
    SHORT_DESC = "The probability that relevant documents of all languages have the same expected rank."
    SUPPORTED_PARAMS = {
        "cutoff": measures.ParamInfo(dtype=int, required=False, desc="ranking cutoff threshold"),
        "rel": measures.ParamInfo(dtype=int, default=1, desc="minimum relevance score to be considered relevant (inclusive)"),
    }


RankDistance = _RankDistance()
PEER = _PEER()


class _LanguageBiasProvider(providers.Provider):
    """Language bias of a run over a multilingual pool."""

    NAME = "hybrid_bench"
    SUPPORTED_MEASURES = [_RankDistance(rel=AnyValue()), _PEER(cutoff=AnyValue(), rel=AnyValue())]

    def _evaluator(self, measures: Iterable[Measure], qrels: Any) -> _Evaluator:
        return _Evaluator(list(measures), QrelsConverter(qrels).as_dict_of_dict())


class _Evaluator(providers.Evaluator):
    def __init__(self, measures: list[Measure], qrels: dict[str, dict[str, int]]) -> None:
        super().__init__(measures, set(qrels))
        self._qrels = qrels

    def _iter_calc(self, run: Any) -> Iterator[Metric]:
        """Yield a value for each query that has one."""
        scored = RunConverter(run).as_dict_of_dict()
        for query_id, judged in self._qrels.items():
            found_scores = scored.get(query_id, {})
            # As trec_eval sorts: scores as float32, so that what ties there ties here.
            as_float32 = np.array(list(found_scores.values()), dtype=np.float32).tolist()
            ranked = sorted(zip(as_float32, found_scores, strict=True), reverse=True)
            ranks = {doc_id: rank for rank, (_, doc_id) in enumerate(ranked, start=1)}
            for measure in self.measures:
                relevant = [doc_id for doc_id, grade in judged.items() if grade >= measure["rel"]]
                if len(relevant) < 2:
                    continue
                if measure.NAME == "RankDistance":
                    found = [ranks.get(doc_id, len(ranks) + 1) for doc_id in relevant]
                    yield Metric(query_id, measure, max(found) - min(found))
                else:
                    yield Metric(query_id, measure, _peer_at(measure["cutoff"], ranks, relevant))


def _peer_at(cutoff: Any, ranks: dict[str, int], relevant: list[str]) -> float:
    depth = len(ranks) if cutoff is NOT_PROVIDED else int(cutoff)
    missing = sum(ranks.get(doc_id, depth + 1) > depth for doc_id in relevant)
    after = depth + (missing + 1) / 2
    found = [rank if (rank := ranks.get(doc_id, depth + 1)) <= depth else after for doc_id in relevant]
    languages = np.array([doc_id.partition("-")[0] for doc_id in relevant])
    return float(peer(np.zeros(len(found), np.int32), np.array(found, dtype=np.float64), languages)[0])


def register() -> None:
    """Make ``ir_measures.parse_measure("RankDistance")`` work. May be called more than once.

    A ``PEER`` that another package has registered already is left in its place.
    """
    if providers.registry.get(_LanguageBiasProvider.NAME) is not None:
        return
    for measure in (RankDistance, PEER):
        if measure.NAME not in measures.registry:
            measures.register(measure)
    ir_measures.DefaultPipeline.providers.append(providers.register(_LanguageBiasProvider()))
