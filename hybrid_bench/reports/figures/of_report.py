"""The figures of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_bench.datasets.settings import KINDS
from hybrid_bench.reports.columns import Column, by_setting
from hybrid_bench.reports.figures import curves, heat, languages, trade_off
from hybrid_bench.reports.observations import Observations
from hybrid_bench.support import escaping

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


class Named(NamedTuple):
    """A figure, its name for files and its title."""

    name: str
    title: str
    figure: Figure


def figures(
    of: Observations, names: tuple[str, ...], baseline: int | None = None, alphas: Mapping[str, float] | None = None
) -> Iterator[Named]:
    """Every figure that the results have the values for.

    Args:
        of: the results.
        names: of the results.
        baseline: index of the result that differences are taken from; None for no figure of differences.
        alphas: name of a result to the share of monolingual batches that its encoder was trained with.
    """
    shown = [escaping.visible(name).replace("$", "\\$") for name in names]  # a figure reads a pair of $ as a formula
    suite = of.results[0].suite
    columns = by_setting(of.results)[0].columns
    for result, name, file in zip(of.results, shown, names, strict=True):
        matrix = result.matrix()
        matrix = matrix[sorted(matrix.columns, key=lambda pool: (pool in result.pools, pool))]
        title = f"{name} on {suite}: {result.primary}"
        yield Named(f"heat-{_file(file)}", title, heat.heat_map(matrix, title, result.primary))
    distance = next((column for column in columns if column.measure.startswith("RankDistance")), None)
    quality = next((column for kind in _QUALITY for column in columns if column.kind == kind and column.better == "higher"), None)
    if distance:
        yield from _distances(of, shown, distance, suite)
        if quality and len(shown) > 1:
            yield from _trade_off(of, shown, distance, quality, suite)
    if baseline is not None and len(shown) > 1:
        yield from _differences(of, shown, [column for column in columns if column.tested], baseline, suite)
    if alphas:
        yield from _curves(of, {names.index(name): alpha for name, alpha in alphas.items()}, columns, suite)


#: Kinds of setting, the first of which stands for quality: the pools of several collections first.
_QUALITY = ("multilingual", "all-domain", *KINDS)


def _file(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-+." else "-" for letter in name.rstrip("*"))


def _by_language(of: Observations, column: Column) -> tuple[list[str], list[list[float]]]:
    """The query sets of a column and ``mean``, and the values of each result."""
    sets = dict.fromkeys(row.query_set for result in of.results for row in result.rows if _is_of(column, row))
    parts = [*(Column(name, column.kind, column.measure, (name,)) for name in sets), column]
    return [*sets, "mean"], [list(values) for values in zip(*(of.means(part) for part in parts), strict=True)]


def _is_of(column: Column, row: object) -> bool:
    return (row.setting, row.measure) == (column.kind, column.measure)  # type: ignore[attr-defined]


def _distances(of: Observations, names: list[str], column: Column, suite: str) -> Iterator[Named]:
    sets, values = _by_language(of, column)
    found = {name: row for name, row in zip(names, values, strict=True) if max(row, default=0) > 0}
    if found:
        title = f"{suite}: {column.measure} by query language"
        yield Named("rank-distance", title, languages.rank_distance(sets, found, title))


def _trade_off(of: Observations, names: list[str], bias: Column, quality: Column, suite: str) -> Iterator[Named]:
    rows = [(name, x, y) for name, x, y in zip(names, of.means(bias), of.means(quality), strict=True) if x > 0 and y == y]
    if len(rows) > 1:
        title = f"{suite}: quality against language bias"
        figure = trade_off.trade_off(
            [name for name, _, _ in rows], [x for _, x, _ in rows], [y for _, _, y in rows], title, bias.label, quality.label
        )
        yield Named("trade-off", title, figure)


def _differences(of: Observations, names: list[str], columns: list[Column], baseline: int, suite: str) -> Iterator[Named]:
    panels: dict[str, tuple[dict[str, list[float]], dict[str, NDArray[np.float64]]]] = {}
    sets: list[str] = []
    for column in columns:
        by_set = of.by_query_set(column)
        if not by_set[baseline]:
            continue
        sets = [*by_set[baseline], "mean"]
        values, ends = {}, {}
        for name, found in zip(names, by_set, strict=True):
            if not found or found is by_set[baseline]:
                continue
            of_sets = {key: (found[key] - by_set[baseline][key]).dropna() for key in by_set[baseline]}
            values[name], ends[name] = _means_and_ends(of_sets)
        if values:
            note = " (lower is better)" if column.better == "lower" else ""
            panels[column.label + note] = (values, ends)
    if panels:
        title = f"{suite}: difference to {names[baseline]} by query language"
        yield Named("differences", title, languages.differences(sets, panels, suite, names[baseline], of.unit))


def _means_and_ends(of_sets: Mapping[str, object]) -> tuple[list[float], NDArray[np.float64]]:
    """The mean difference of each query set and of all, and their intervals; the mean weighs every query set alike."""
    import pandas as pd

    frame = pd.DataFrame(dict(of_sets))
    means = [float(value) for value in frame.mean()]
    overall = float(np.mean(means))
    # A question's part in the mean of means: its difference in each query set, by that set's share of questions.
    weights = len(frame) / frame.notna().sum() / len(frame.columns)
    mixed = (frame * weights).sum(axis=1)
    ends = languages.interval([*(frame[key].to_numpy(np.float64) for key in frame), mixed.to_numpy(np.float64)])
    return [*means, overall], ends


def _curves(of: Observations, alphas: Mapping[int, float], columns: tuple[Column, ...], suite: str) -> Iterator[Named]:
    order = sorted(alphas, key=lambda row: alphas[row])
    if len(order) < 2:
        return
    lines = {column.label: [of.means(column)[row] for row in order] for column in columns if column.better == "higher"}
    distance = next(([of.means(column)[row] for row in order] for column in columns if column.better == "lower"), None)
    quality = f"mean {of.results[0].primary}"
    title = f"{suite}: {quality} and RankDistance by alpha"
    yield Named("alpha", title, curves.by_alpha([alphas[row] for row in order], lines, distance, suite, quality))
