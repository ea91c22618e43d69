"""Strategy curves: scores and language bias by the share of monolingual batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hybrid_bench.reports.figures.style import line, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def by_alpha(
    alphas: Sequence[float], lines: Mapping[str, Sequence[float]], distance: Sequence[float] | None, title: str, quality: str
) -> Figure:
    """Means by alpha on the left, RankDistance on the right.

    Args:
        alphas: ascending; 0 has cross-lingual batches alone, 1 monolingual ones.
        lines: heading to the values at these.
        distance: RankDistance at these; None if it is not known.
        title: of both parts.
        quality: what the lines are of.
    """
    figure, (left, right) = new_figure(1, 2, 9, 3.6)
    for number, (heading, values) in enumerate(lines.items()):
        colour, marker, dashes = line(number)
        left.plot(alphas, values, marker=marker, color=colour, linestyle=dashes, label=heading)
    left.set_ylabel(quality)
    figure.legend(loc="outside lower left", ncols=len(lines))  # outside: the lines may be anywhere
    if distance is not None:
        right.plot(alphas, distance, marker="D", color="#444444")
    right.set_ylabel("RankDistance (lower is better)")
    for axes in (left, right):
        axes.set_xlabel("alpha, the share of monolingual batches")
        axes.set_title(title)
        axes.grid(alpha=0.3)
    return figure
