"""A table of a report: results by columns, with their tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_bench.reports.columns import Column, Plan
from hybrid_bench.reports.comparisons import BETTER, WORSE, Comparison, Test, comparisons, marks
from hybrid_bench.reports.observations import Observations

if TYPE_CHECKING:
    import pandas as pd

_TESTS = {"t": "paired t-test", "randomisation": "paired randomisation test"}


@dataclass(frozen=True)
class Table:
    """Results by columns.

    Attributes:
        name: of the table within the report, for files and labels.
        suite: of the results.
        about: what the columns are.
        rows: names of the results.
        columns: in order.
        means: column by column, the values of the rows; NaN where there is none.
        comparisons: paired tests between the rows.
        marks: (row, column) to its mark.
        baseline: index of the row that the others are compared with; None if all pairs are.
        test: by which they are.
        level: of significance.
        unit: what one observation of the tests is.
        notes: for readers.
    """

    name: str
    suite: str
    about: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    means: tuple[tuple[float, ...], ...]
    comparisons: tuple[Comparison, ...]
    marks: Mapping[tuple[int, int], str]
    baseline: int | None
    test: Test
    level: float
    unit: str = "question"
    notes: tuple[str, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """The values: results by columns."""
        import pandas as pd

        columns = {column.label: of for column, of in zip(self.columns, self.means, strict=True)}
        return pd.DataFrame(columns, index=list(self.rows)).rename_axis("encoder")

    @property
    def label(self) -> str:
        """The label of the table in LaTeX, which is the name of its files too."""
        return "".join(letter if letter.isalnum() or letter in "-+." else "-" for letter in f"{self.suite}-{self.name}")

    @property
    def caption(self) -> str:
        """What the table shows, and what its marks mean."""
        return " ".join(filter(None, (f"{self.suite}: {self.about}.", self.legend, *self.notes)))

    @property
    def legend(self) -> str:
        """What the marks mean."""
        parts = ["Best in bold."] if len(self.rows) > 1 else []
        if self.comparisons:
            most = max(one.queries for one in self.comparisons)
            how = (
                f"{_TESTS[self.test]} over {most:,} {self.unit}s, Holm correction over {len(self.comparisons)} comparisons, "
                f"p < {f'{self.level:g}'.removeprefix('0')}"
            )
            if self.baseline is None:
                parts.append(f"Values that share a letter in a column do not differ significantly ({how}).")
            else:
                parts.append(f"{BETTER} significantly better, {WORSE} worse than {self.rows[self.baseline]} ({how}).")
        return " ".join(parts)

    def places(self, column: int) -> list[int]:
        """The place of each row's value as it is shown, from 1; 0 where there is none, or where none is better than others."""
        of = self.columns[column]
        shown = [of.format(value) for value in self.means[column]]
        if not of.better or len(self.rows) < 2:
            return [0] * len(shown)
        order = sorted({float(text) for text in shown if text}, reverse=of.better == "higher")
        return [order.index(float(text)) + 1 if text else 0 for text in shown]


def make(
    plan: Plan,
    of: Observations,
    names: Sequence[str],
    *,
    baseline: int | None,
    test: Test,
    level: float,
    notes: Sequence[str] = (),
) -> Table:
    """Compute the values of a table and test its rows.

    Args:
        plan: what the table is of.
        of: the values.
        names: of the rows.
        baseline: index of the row that the others are compared with; None for all pairs.
        test: by which.
        level: of significance.
        notes: that hold for all tables.
    """
    means = tuple(tuple(of.means(column)) for column in plan.columns)
    found = comparisons(of, plan.columns, baseline, test, level)
    partly = {column.label: number for column in plan.columns if (number := of.left_out(column))}
    added = [f"{label} leaves out {number} settings that not all results have." for label, number in partly.items()]
    return Table(
        name=plan.name,
        suite=of.results[0].suite,
        about=plan.about,
        rows=tuple(names),
        columns=plan.columns,
        means=means,
        comparisons=tuple(found),
        marks=marks(found, plan.columns, means, baseline, level),
        baseline=baseline,
        test=test,
        level=level,
        unit=of.unit,
        notes=(*notes, *added),
    )
