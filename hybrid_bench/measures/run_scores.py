"""From runs to the long-form scores of a result, through ir_measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures

from hybrid_bench.datasets.groups import grouped_by, groups_of
from hybrid_bench.datasets.settings import Attribute, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.measures.bias_scores import GROUP_DEPTH, same_group_name
from hybrid_bench.measures.from_ranks import known
from hybrid_bench.measures.rows import score_row
from hybrid_bench.results.parts import Score
from hybrid_bench.results.runs import Run

#: Measures that look at nothing behind their cut-off: passing a whole list takes longer than scoring it. RR@k is not one:
#: ir_measures computes it with another order of ties.
_CUT = ("AP", "nDCG", "P", "R", "Success")


class RunScores:
    """The averages of measures over the queries of a setting, added up a few queries at a time.

    On a pool of several collections the share of the query's group in the first 20 is added, see
    :func:`hybrid_bench.measures.bias_scores.same_group_rows`.

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
        queries = suite.query_set(setting.query_set)
        attributes = grouped_by(suite, setting.pool)
        self._own: dict[Attribute, str | None] = {attribute: getattr(queries, attribute) for attribute in attributes}
        self._groups = {attribute: groups_of(suite, attribute) for attribute in attributes}
        self._same = {attribute: 0 for attribute, group in self._own.items() if group is not None}
        self._queries = 0

    def add(self, judged: Mapping[str, Mapping[str, int]], run: Run) -> None:
        """Score the judged queries; one that the run does not have counts with 0."""
        # trec_eval gives no value to a query whose list is empty, and ir_measures none to a missing one: both count with 0.
        found = {
            query_id: {hit.doc_id: hit.score for hit in hits[: self._seen]} for query_id in judged if (hits := run.get(query_id))
        }
        grades = {query_id: dict(of_query) for query_id, of_query in judged.items()}
        for metric in ir_measures.iter_calc(self._measures, grades, found) if found else ():
            self._total[str(metric.measure)] += float(metric.value)
        for attribute, own in self._own.items():
            if own is not None:
                self._same[attribute] += sum(
                    self._groups[attribute].get(self._suite.collection_of(hit.doc_id) or "") == own
                    for query_id in judged
                    for hit in run.get(query_id, ())[:GROUP_DEPTH]
                )
        self._queries += len(judged)

    def rows(self) -> list[Score]:
        """The averages over all queries that were added."""
        count = self._queries
        totals = {name: value / count for name, value in self._total.items()}
        totals |= {same_group_name(attribute): same / GROUP_DEPTH / count for attribute, same in self._same.items()}
        return [score_row(self._suite, self._setting, name, value, count) for name, value in totals.items()]


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
