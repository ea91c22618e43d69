"""Figures by query language: RankDistance, and differences to a baseline with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.reports.figures.style import line, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

#: Share of the width between two languages that the points of a language take.
_SPREAD = 0.6
#: Names in a row of the legend, at most.
_IN_A_ROW = 4


def rank_distance(
    names: Sequence[str],
    values: Mapping[str, Sequence[float]],
    title: str,
    errors: Mapping[str, Sequence[float]] | None = None,
) -> Figure:
    """RankDistance by query language on a logarithmic axis.

    Args:
        names: of the query languages.
        values: of each encoder, by language.
        title: of the figure.
        errors: standard deviations of some encoders.
    """
    from matplotlib.ticker import LogLocator

    figure, (axes,) = new_figure(1, 1, max(7, 0.75 * len(names)), 3.6)
    _points(axes, values, {name: np.array([of, of]) for name, of in (errors or {}).items()})
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_ylabel("RankDistance (lower is better)")
    _finish(figure, [axes], names, len(values))
    axes.set_title(title)
    return figure


def differences(
    names: Sequence[str],
    panels: Mapping[str, tuple[Mapping[str, Sequence[float]], Mapping[str, NDArray[np.float64]]]],
    title: str,
    baseline: str,
    unit: str = "question",
) -> Figure:
    """Differences to a baseline by query language, one panel below the other, with 95% intervals.

    Args:
        names: of the query languages.
        panels: label of a column to the differences of each encoder by language, and (2, languages) the ends of their intervals.
        title: of the figure.
        baseline: name of the encoder at 0.
        unit: what is resampled.
    """
    figure, axes = new_figure(len(panels), 1, max(7, 0.75 * len(names)), 0.8 + 2.3 * len(panels), sharex=True)
    encoders = 0
    for one, (label, (values, ends)) in zip(axes, panels.items(), strict=True):
        lengths = {name: np.abs(ends[name] - np.asarray(of)) for name, of in values.items()}
        _points(one, values, lengths)
        one.axhline(0, color="#000000", linewidth=0.8)
        one.set_ylabel(label)
        encoders = max(encoders, len(values))
    _finish(figure, axes, names, encoders)
    axes[0].set_title(f"{title}: difference to {baseline}, with 95% intervals over {unit}s")
    return figure


def interval(differences: Sequence[NDArray[np.float64]], resamples: int = 2000, level: float = 0.95) -> NDArray[np.float64]:
    """Percentile bootstrap intervals of means over the same questions.

    A question (or sentence) is drawn in all of its languages at once: its translations are not independent of each other.

    Args:
        differences: (questions,) of each mean; NaN where a mean does not have the question.
        resamples: number of samples.
        level: of confidence.

    Returns:
        (2, means) the ends of the intervals.
    """
    values = np.stack(differences, axis=1)
    known = ~np.isnan(values)
    drawn = np.random.default_rng(0).multinomial(len(values), np.full(len(values), 1 / len(values)), size=resamples)
    means = drawn @ np.nan_to_num(values) / np.maximum(drawn @ known, 1)
    ends: NDArray[np.float64] = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return ends


def _points(axes: Axes, values: Mapping[str, Sequence[float]], errors: Mapping[str, NDArray[np.float64]]) -> None:
    """The values of each encoder beside each other, with error bars of (2, languages) lengths."""
    width = _SPREAD / len(values)
    for number, (name, of) in enumerate(values.items()):
        places = np.arange(len(of)) + width * (number - (len(values) - 1) / 2)
        colour, marker, _ = line(number)
        axes.errorbar(
            places, of, errors.get(name), label=name, color=colour, marker=marker, linestyle="", capsize=2, markersize=4.5
        )


def _finish(figure: Figure, axes: Sequence[Axes], names: Sequence[str], encoders: int) -> None:
    axes[-1].set_xticks(range(len(names)), list(names))
    axes[-1].set_xlabel("query language")
    for one in axes:
        one.grid(axis="y", alpha=0.3)
    handles, labels = axes[0].get_legend_handles_labels()
    rows = math.ceil(encoders / _IN_A_ROW)
    figure.legend(handles, labels, loc="outside lower center", ncols=math.ceil(encoders / rows))
