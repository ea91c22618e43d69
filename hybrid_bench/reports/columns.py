"""The columns of a report, and the views that put them together: by setting, by language, by measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hybrid_bench.datasets.settings import KINDS, SettingKind
from hybrid_bench.errors import UnknownNameError
from hybrid_bench.results.record import Result
from hybrid_bench.results.tables import BIAS, SHORT_KINDS


@dataclass(frozen=True)
class Column:
    """A measure in a kind of setting, averaged over pools, then over query sets.

    Attributes:
        label: the heading.
        kind: the kind of settings.
        measure: of ir_measures, or a measure of bias.
        query_sets: that are averaged; None for all.
        questions: only these, as :func:`hybrid_bench.evaluation.questions.values` names them; None for all. A column of some
            questions is computed from ranks, the others are the scores that results state.
    """

    label: str
    kind: SettingKind
    measure: str
    query_sets: tuple[str, ...] | None = None
    questions: frozenset[str] | None = None

    @property
    def better(self) -> Literal["higher", "lower", ""]:
        """Which values are better; empty for measures of bias that are no better at an end of their scale."""
        if self.measure.startswith(("RankDistance", "PEER")):
            return "lower" if self.measure.startswith("RankDistance") else ""
        return "" if self.measure.startswith("Same") else "higher"

    @property
    def tested(self) -> bool:
        """Whether questions have values of the measure."""
        return self.better == "higher" or self.measure in ("RankDistance", "RankDistance(domain)")

    def format(self, value: float) -> str:
        """A value for readers: four digits after the point of a share, one of a number of ranks; empty for NaN."""
        if value != value:
            return ""
        return f"{value:.1f}" if self.measure.startswith("RankDistance") else f"{value:.4f}"


@dataclass(frozen=True)
class Plan:
    """A table that is to be made.

    Attributes:
        name: for files and labels.
        about: what the columns are, for the caption.
        columns: in order.
    """

    name: str
    about: str
    columns: tuple[Column, ...]


#: From results on one suite to tables.
View = Callable[[Sequence[Result]], list[Plan]]


def by_setting(results: Sequence[Result]) -> list[Plan]:
    """The primary measure in every kind of setting, and measures of bias, as ``evaluate`` prints them."""
    first = results[0]
    wanted = [(kind, first.primary, f"{SHORT_KINDS[kind]} {first.primary}") for kind in KINDS]
    wanted += [(kind, measure, measure) for measure in BIAS for kind in KINDS]
    columns = [Column(label, kind, measure) for kind, measure, label in wanted if (kind, measure) in _scored(results)]
    return [Plan("setting", f"{first.primary} by setting, and language bias", tuple(columns))]


def by_language(results: Sequence[Result]) -> list[Plan]:
    """A table for each kind of setting and one for RankDistance: a column for each query set, and their mean."""
    plans = []
    for column in by_setting(results)[0].columns:
        if not column.better:
            continue
        key = (column.kind, column.measure)
        names = tuple(dict.fromkeys(row.query_set for row in results[0].rows if (row.setting, row.measure) == key))
        columns = [Column(name, *key, query_sets=(name,)) for name in names]
        name = "-".join(column.label.lower().replace("@", "").split())
        plans.append(Plan(f"language-{name}", f"{column.label} by query language", (*columns, Column("mean", *key))))
    return plans


def by_measure(results: Sequence[Result]) -> list[Plan]:
    """A table for each kind of setting, with all its measures."""
    scored = _scored(results)
    plans = []
    for kind in KINDS:
        columns = tuple(Column(measure, kind, measure) for of, measure in scored if of == kind)
        if columns:
            plans.append(Plan(f"measure-{kind}", f"all measures in the {kind} settings", columns))
    return plans


#: Name to view; a suite has more, see :mod:`hybrid_bench.reports.slices`.
VIEWS: dict[str, View] = {"setting": by_setting, "language": by_language, "measure": by_measure}


def plans(results: Sequence[Result], by: Sequence[str], views: Mapping[str, View]) -> list[Plan]:
    """The tables of some views.

    Raises:
        UnknownNameError: if there is no such view.
    """
    for name in by:
        if name not in views:
            raise UnknownNameError("table", name, views)
    return [plan for name in dict.fromkeys(by) for plan in views[name](results)]


def _scored(results: Sequence[Result]) -> Mapping[tuple[SettingKind, str], None]:
    """The kinds of setting and measures of any result, in the order of their rows."""
    return dict.fromkeys((row.setting, row.measure) for result in results for row in result.rows)
