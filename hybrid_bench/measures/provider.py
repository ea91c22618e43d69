"""RankDistance, PEER and SameLanguage as ir_measures measures, for use on any run."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ir_measures
import numpy as np
from ir_measures import Measure, Metric, measures, providers
from ir_measures.measures.base import MeanAgg
from ir_measures.providers.base import NOT_PROVIDED
from ir_measures.providers.base import Any as AnyValue
from ir_measures.util import QrelsConverter, RunConverter
from numpy.typing import NDArray

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.bias import peer, rank_distance

if TYPE_CHECKING:
    from hybrid_bench.datasets.entry_languages import EntryLanguages


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

    The ``iteration`` of a qrel names the passage's language, as in the ir_datasets entries of this project. Relevant passages
    that are not among the first ``cutoff`` of the run share the mean of the ranks that follow. Source: Yang et al. 2024
    (arXiv 2405.00978).
    """

    __name__ = "PEER"
    NAME = __name__
    PRETTY_NAME = "Probability of Equal Expected Rank"
    SHORT_DESC = "The probability that relevant documents of all languages have the same expected rank."
    SUPPORTED_PARAMS = {
        "cutoff": measures.ParamInfo(dtype=int, required=False, desc="ranking cutoff threshold"),
        "rel": measures.ParamInfo(dtype=int, default=1, desc="minimum relevance score to be considered relevant (inclusive)"),
    }


class _SameLanguage(Measure):
    """Share of the first ``cutoff`` documents of a run over a multilingual pool that are in the query's language.

    Qrels do not state the language of a query, nor those of documents without a judgement: the ir_datasets entry that the qrels
    are of does. Its own records (``qrels_iter()``) name it; for others it is the parameter ``dataset``.
    """

    __name__ = "SameLanguage"
    NAME = __name__
    PRETTY_NAME = "Same Language"
    SHORT_DESC = "The share of the top k documents that are in the query's language."
    SUPPORTED_PARAMS = {
        "cutoff": measures.ParamInfo(dtype=int, required=True, desc="ranking cutoff threshold"),
        "dataset": measures.ParamInfo(dtype=str, default="", desc="ir_datasets entry that the qrels are of"),
    }


RankDistance = _RankDistance()
PEER = _PEER()
SameLanguage = _SameLanguage()


class _LanguageBiasProvider(providers.Provider):
    """Language bias of a run over a multilingual pool."""

    NAME = "hybrid_bench"
    SUPPORTED_MEASURES = [
        _RankDistance(rel=AnyValue()),
        _PEER(cutoff=AnyValue(), rel=AnyValue()),
        _SameLanguage(cutoff=AnyValue(), dataset=AnyValue()),
    ]

    def supports(self, measure: Measure) -> bool:
        """Whether a measure is one of these; another package has a PEER with other parameters."""
        return isinstance(measure, _LanguageBias | _SameLanguage) and bool(super().supports(measure))

    def _evaluator(self, measures: Iterable[Measure], qrels: Any) -> _Evaluator:
        records = list(QrelsConverter(qrels).as_namedtuple_iter())
        of_frame = qrels["dataset"] if "dataset" in getattr(qrels, "columns", ()) else ()
        return _Evaluator(list(measures), records, {getattr(record, "dataset", "") for record in records} - {""} | set(of_frame))


#: The iteration of a qrel that states none.
_NO_GROUP = "0"


class _Evaluator(providers.Evaluator):
    def __init__(self, measures: list[Measure], qrels: Sequence[Any], datasets: Collection[str]) -> None:
        super().__init__(measures, {qrel.query_id for qrel in qrels})
        self._languages = {of: _languages(of, datasets) for of in measures if of.NAME == SameLanguage.NAME}
        self._qrels: dict[str, dict[str, int]] = {}
        for qrel in qrels:
            self._qrels.setdefault(qrel.query_id, {})[qrel.doc_id] = qrel.relevance
        self._group = {qrel.doc_id: getattr(qrel, "iteration", _NO_GROUP) for qrel in qrels}
        if any(measure.NAME == "PEER" for measure in measures) and set(self._group.values()) <= {_NO_GROUP}:
            raise HybridBenchError(
                "PEER needs to know the language of relevant passages, and the qrels do not state it",
                "Give ir_measures.Qrel records whose iteration is the language, e.g. those of xquad-r/all/en.",
            )

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
                if measure.NAME == SameLanguage.NAME:
                    languages, depth = self._languages[measure], measure["cutoff"]
                    same = sum(languages.of(doc_id) == languages.query for _, doc_id in ranked[:depth])
                    yield Metric(query_id, measure, same / depth)
                    continue
                relevant = [doc_id for doc_id, grade in judged.items() if grade >= measure["rel"]]
                if len(relevant) < 2:
                    continue
                query = np.zeros(len(relevant), np.int32)
                if measure.NAME == "RankDistance":
                    found = np.array([ranks.get(doc_id, len(ranks) + 1) for doc_id in relevant], np.int32)
                    yield Metric(query_id, measure, int(rank_distance(query, found)[0]))
                else:
                    groups = np.array([str(self._group[doc_id]) for doc_id in relevant])
                    yield Metric(query_id, measure, float(peer(query, _cut(measure["cutoff"], ranks, relevant), groups)[0]))


def _cut(cutoff: Any, ranks: Mapping[str, int], relevant: Sequence[str]) -> NDArray[np.float64]:
    """(relevant,) the ranks of passages, with the mean of the ranks that follow for those that are not retrieved."""
    depth = len(ranks) if cutoff is NOT_PROVIDED else int(cutoff)
    missing = sum(ranks.get(doc_id, depth + 1) > depth for doc_id in relevant)
    after = depth + (missing + 1) / 2
    return np.array([rank if (rank := ranks.get(doc_id, depth + 1)) <= depth else after for doc_id in relevant], np.float64)


def _languages(measure: Measure, datasets: Collection[str]) -> EntryLanguages:
    """The languages of the entry that qrels are of."""
    from hybrid_bench.datasets.entry_languages import EntryLanguages  # it imports ir_datasets

    named = {measure["dataset"]} if measure["dataset"] else set(datasets)
    if len(named) != 1:
        raise HybridBenchError(
            f"{measure} needs to know the languages of the queries and of all documents, and the qrels do not state one dataset",
            f"Name it: SameLanguage(dataset='xquad-r/all/en')@{measure['cutoff']}, or give the records of its qrels_iter().",
        )
    return EntryLanguages(named.pop())


def register() -> None:
    """Make ``ir_measures.parse_measure("RankDistance")`` work. May be called more than once.

    A ``PEER`` that another package has registered already is left in its place.
    """
    if providers.registry.get(_LanguageBiasProvider.NAME) is not None:
        return
    for measure in (RankDistance, PEER, SameLanguage):
        if measure.NAME not in measures.registry:
            measures.register(measure)
    ir_measures.DefaultPipeline.providers.append(providers.register(_LanguageBiasProvider()))
