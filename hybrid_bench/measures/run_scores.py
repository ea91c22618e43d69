"""From runs to the long-form scores of a result, through ir_measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures

from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.measures.from_ranks import known
from hybrid_bench.measures.scores import SAME_LANGUAGE_DEPTH, score_row
from hybrid_bench.results.record import Score
from hybrid_bench.results.runs import Run

#: Measures that look at nothing behind their cut-off: handing a whole list over takes longer than scoring it. RR@k is not one:
#: ir_measures computes it with another order of ties.
_CUT = ("AP", "nDCG", "P", "R", "Success")


class RunScores:
    """The averages of measures over the queries of a setting, added up a few queries at a time.

    On the pool of all languages the share of the query's language in the first 20 is added.

    Args:
        suite: of the setting.
        setting: whose queries are scored.
        measures: any of ir_measures.
    """

    def __init__(self, suite: Suite, setting: Setting, measures: Sequence[str]) -> None:
        self._suite = suite
        self._setting = setting
        self._measures = known(measures)
        self._seen = _seen(self._measures)
        self._total = dict.fromkeys(map(str, self._measures), 0.0)
        self._same = 0
        self._queries = 0

    def add(self, judged: Mapping[str, Mapping[str, int]], run: Run) -> None:
        """Score the judged queries; one that the run does not have counts with 0."""
        # trec_eval gives no value to a query whose list is empty, and ir_measures none to a missing one: both count with 0.
        found = {query_id: dict(hits[: self._seen]) for query_id in judged if (hits := run.get(query_id))}
        grades = {query_id: dict(of_query) for query_id, of_query in judged.items()}
        for metric in ir_measures.iter_calc(self._measures, grades, found) if found else ():
            self._total[str(metric.measure)] += float(metric.value)
        self._same += sum(
            hit.doc_id.partition("-")[0] == self._setting.query_language
            for query_id in judged
            for hit in run.get(query_id, ())[:SAME_LANGUAGE_DEPTH]
        )
        self._queries += len(judged)

    def rows(self) -> list[Score]:
        """The averages over all queries that were added."""
        count = self._queries
        rows = [score_row(self._suite, self._setting, name, value / count, count) for name, value in self._total.items()]
        if self._setting.pool == ALL and len(self._suite.passage_languages) > 1:
            share = self._same / SAME_LANGUAGE_DEPTH / count
            rows.append(score_row(self._suite, self._setting, f"SameLanguage@{SAME_LANGUAGE_DEPTH}", share, count))
        return rows


def _seen(measures: Sequence[ir_measures.measures.Measure]) -> int | None:
    """How many passages of a query the measures look at; None if one may look at all."""
    if all(m.NAME in _CUT and "cutoff" in m.params and not m.params.get("judged_only") for m in measures):
        return max(int(measure.params["cutoff"]) for measure in measures)
    return None


def score_run(
    suite: Suite, setting: Setting, judged: Mapping[str, Mapping[str, int]], run: Run, measures: Sequence[str]
) -> list[Score]:
    """The averages over all queries of a setting at once, see :class:`RunScores`."""
    scores = RunScores(suite, setting, measures)
    scores.add(judged, run)
    return scores.rows()
