"""Paired tests between the rows of a table, corrected together, and the marks that readers see."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.compare import significant
from hybrid_bench.measures.significance import RESAMPLES, holm, paired, t_test
from hybrid_bench.reports.columns import Column
from hybrid_bench.reports.letters import letters, shortened
from hybrid_bench.reports.observations import Observations

#: The paired tests of :mod:`hybrid_bench.measures.significance`.
Test = Literal["t", "randomisation"]
#: Marks of values that are significantly better, and worse, than the baseline's.
BETTER, WORSE = "†", "‡"


class Comparison(NamedTuple):
    """Row B against row A in a column.

    Attributes:
        column: index of the column.
        a: index of the row.
        b: index of the other row.
        difference: mean of B - A over questions.
        p: two-sided, before the correction.
        corrected: p by Holm over all comparisons of the table.
        queries: number of questions.
    """

    column: int
    a: int
    b: int
    difference: float
    p: float
    corrected: float
    queries: int


def comparisons(
    of: Observations, columns: Sequence[Column], baseline: int | None = None, test: Test = "t", level: float = 0.05
) -> list[Comparison]:
    """Test the baseline against every other row, or all pairs of rows, in every column that has values of questions.

    A question and its translations are one observation, as in :func:`hybrid_bench.compare`.

    Args:
        of: the rows.
        columns: of the table.
        baseline: index of its row; None for all pairs.
        test: the paired t-test or the paired randomisation test.
        level: of significance; the randomisation test draws enough samples to reach it after the correction.

    Raises:
        HybridBenchError: if two rows have values of different questions.
    """
    pairs: list[tuple[int, int, int]] = []
    values: list[list[np.ndarray | None]] = []
    for number, column in enumerate(columns):
        series = of.questions(column)
        first = next((one for one in series if one is not None), None)
        if any(one is not None and set(one.index) != set(first.index) for one in series):  # type: ignore[union-attr]
            raise HybridBenchError(f"the results have other questions in {column.label}", "Evaluate them on the same data.")
        aligned = [None if one is None else one.loc[first.index].to_numpy(np.float64) for one in series]  # type: ignore[union-attr]
        values.append(aligned)
        rows = [row for row, one in enumerate(aligned) if one is not None and len(one) > 1]
        found = itertools.combinations(rows, 2) if baseline is None else ((baseline, row) for row in rows if row != baseline)
        pairs += [(number, *pair) for pair in found if baseline in (None, *rows)]
    resamples = max(RESAMPLES, round(2 * len(pairs) / level))
    tested = []
    for number, a, b in pairs:
        of_a, of_b = values[number][a], values[number][b]
        assert of_a is not None and of_b is not None  # noqa: S101  # pairs are of rows with values
        p = t_test(of_a, of_b) if test == "t" else paired(of_a, of_b, resamples).randomisation
        tested.append((float((of_b - of_a).mean()), p, len(of_a)))
    corrected = holm([p for _, p, _ in tested])
    return [
        Comparison(*pair, difference, p, after, queries)
        for pair, (difference, p, queries), after in zip(pairs, tested, corrected, strict=True)
    ]


def marks(
    found: Sequence[Comparison], columns: Sequence[Column], means: Sequence[Sequence[float]], baseline: int | None, level: float
) -> Mapping[tuple[int, int], str]:
    """(row, column) to its mark.

    Against a baseline: :data:`BETTER` or :data:`WORSE` if the difference is significant. Of all pairs: letters, of which rows
    share one exactly if they do not differ significantly.

    Args:
        found: the comparisons.
        columns: of the table.
        means: column by column, the values of the rows.
        baseline: as for :func:`comparisons`.
        level: of significance.
    """
    marked: dict[tuple[int, int], str] = {}
    for number, column in enumerate(columns):
        of_column = [one for one in found if one.column == number]
        different = [(one.a, one.b) for one in of_column if significant(one.corrected, level)]
        sign = -1 if column.better == "lower" else 1
        if baseline is not None:
            better = {one.b: sign * one.difference > 0 for one in of_column if (one.a, one.b) in different}
            marked |= {(row, number): BETTER if is_better else WORSE for row, is_better in better.items()}
            continue
        rows = sorted({row for one in of_column for row in (one.a, one.b)}, key=lambda row: -sign * means[number][row])
        marked |= {(row, number): shortened(found) for row, found in letters(rows, different).items()}
    return marked
