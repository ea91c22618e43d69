"""The values of the cells of a report, and those of single questions below them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.settings import Setting, SettingKind
from hybrid_bench.evaluation.questions import Prepared, over_languages, prepare, unit, values
from hybrid_bench.reports.columns import Column
from hybrid_bench.results.record import Result

if TYPE_CHECKING:
    import pandas as pd


class Observations:
    """The values of results on one suite, in the settings that all results have a score of.

    Args:
        results: comparable ones.
    """

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = tuple(results)
        #: what one observation of a test is, such as ``question``
        self.unit = unit(results[0])
        self._values: dict[tuple[SettingKind, str], list[dict[str, pd.Series[float]]]] = {}
        self._of_kind: dict[SettingKind, list[dict[str, Prepared]]] = {}

    def means(self, column: Column) -> list[float]:
        """One value a result; NaN where it has none."""
        if column.questions is not None:
            return [_macro(of) for of in self.by_query_set(column)]
        shared = self._shared(column)
        found = []
        for result in self.results:
            of_sets: dict[str, list[float]] = {}
            for row in result.rows:
                if row.measure == column.measure and Setting(row.query_set, row.pool, row.setting) in shared:
                    of_sets.setdefault(row.query_set, []).append(row.value)
            found.append(float(np.mean([np.mean(of) for of in of_sets.values()])) if of_sets else float("nan"))
        return found

    def left_out(self, column: Column) -> int:
        """The number of settings that some of the results with the column have, and others do not."""
        return len(set().union(*self._stated(column))) - len(self._shared(column))

    def questions(self, column: Column) -> list[pd.Series[float] | None]:
        """One series a result, of questions to their means over query sets; None where they are not known."""
        return [over_languages(list(of.values())) if of else None for of in self.by_query_set(column)]

    def by_query_set(self, column: Column) -> list[dict[str, pd.Series[float]]]:
        """One mapping a result, of query sets to the values of their questions; empty where they are not known."""
        if not column.tested:
            return [{} for _ in self.results]
        key = (column.kind, column.measure)
        if key not in self._values:
            self._values[key] = [
                values(result, column.kind, column.measure, of) if of and key in result_columns(result) else {}
                for result, of in zip(self.results, self._prepared(column.kind), strict=True)
            ]
        known = [set(of) for of in self._values[key] if of]
        shared = set.intersection(*known) if known else set()
        return [
            {name: _only(column, series) for name, series in of.items() if name in shared and _wanted(column, name)}
            for of in self._values[key]
        ]

    def _prepared(self, kind: SettingKind) -> list[dict[str, Prepared]]:
        """One mapping a result; empty where it has no ranks, or no setting of the kind."""
        if kind not in self._of_kind:
            able = [of for of in self.results if of.has_ranks and any(setting.kind == kind for setting in of.settings)]
            self._of_kind[kind] = [
                prepare(of, [other for other in able if other is not of]) if any(of is one for one in able) else {}
                for of in self.results
            ]
        return self._of_kind[kind]

    def _stated(self, column: Column) -> list[set[Setting]]:
        found = [
            {
                Setting(row.query_set, row.pool, row.setting)
                for row in result.rows
                if (row.setting, row.measure) == (column.kind, column.measure) and _wanted(column, row.query_set)
            }
            for result in self.results
        ]
        return [of for of in found if of]

    def _shared(self, column: Column) -> set[Setting]:
        stated = self._stated(column)
        return set.intersection(*stated) if stated else set()


def result_columns(result: Result) -> set[tuple[SettingKind, str]]:
    """The kinds of setting and measures that a result has scores of."""
    return {(row.setting, row.measure) for row in result.rows}


def _wanted(column: Column, query_set: str) -> bool:
    return column.query_sets is None or query_set in column.query_sets


def _only(column: Column, series: pd.Series[float]) -> pd.Series[float]:
    return series if column.questions is None else series[series.index.isin(list(column.questions))]


def _macro(of_sets: dict[str, pd.Series[float]]) -> float:
    means = [float(series.mean()) for series in of_sets.values() if len(series)]
    return float(np.mean(means)) if means else float("nan")
