"""The plots of a study, as SVG files whose bytes depend on the results only; they are drawn as those of reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hybrid_bench.reports.figures import curves, languages
from hybrid_bench.reports.figures import trade_off as points_by_name
from hybrid_bench.reports.figures.style import content, line, new_figure
from hybrid_bench.training.study.arms import ScoredArm
from hybrid_bench.training.study.tables import AVERAGED, by_language
from hybrid_bench.training.study.target import Point, Target, choose

if TYPE_CHECKING:
    import pandas as pd

#: Headings of the curves.
_CURVES = ("mono AP", "cross AP", "multi AP")


def against_alpha(scored: Sequence[ScoredArm], suite: str) -> bytes | None:
    """Mean AP in the three settings, and RankDistance, by alpha, for seed 1; None for fewer than two alphas."""
    import pandas as pd

    points = {
        one.arm.alpha: by_language(one.results[suite]).loc["mean"]
        for one in scored
        if one.arm.alpha is not None and one.arm.seed == 1
    }
    if len(points) < 2:
        return None
    alphas = sorted(points)
    frame = pd.DataFrame(points)[alphas].dropna()
    values = {
        heading: list(map(float, frame.loc[heading].to_numpy()))
        for heading in (*_CURVES, "RankDistance")
        if heading in frame.index
    }
    distance = values.pop("RankDistance", None)
    figure = curves.by_alpha(alphas, values, distance, f"{suite}, seed 1", "mean AP")
    return content(figure, "svg", f"{suite}: mean AP and RankDistance by alpha")


def rank_distance(tables: Mapping[str, tuple[pd.DataFrame, pd.DataFrame, int]], suite: str) -> bytes | None:
    """RankDistance by query language and strategy on a logarithmic axis, with the standard deviation over seeds."""
    shown = {
        name: found
        for name, found in tables.items()
        if "RankDistance" in found[0] and "(" not in name and not name.endswith(AVERAGED)
    }
    if not shown:
        return None
    sets = list(next(iter(shown.values()))[0].index)
    values = {name: mean["RankDistance"].tolist() for name, (mean, _, _) in shown.items()}
    errors = {name: spread["RankDistance"].tolist() for name, (_, spread, seeds) in shown.items() if seeds > 1}
    figure = languages.rank_distance(sets, values, suite, errors)
    return content(figure, "svg", f"{suite}: RankDistance by query language")


def mono_against_cross(at: Mapping[str, tuple[float, float]], title: str, mono: str, cross: str) -> bytes:
    """A point for each encoder, by its name: what it scores in one language, and in others."""
    figure = points_by_name.scatter(list(at), [x for x, _ in at.values()], [y for _, y in at.values()], title, mono, cross)
    return content(figure, "svg", title)


def trade_off(points: Sequence[Point], suite: str, target: Target) -> bytes:
    """Mean AP against the target's figure, with intervals, the limit, and the chosen arm."""
    figure, (axes,) = new_figure(1, 1, 7, 3.6)
    chosen = choose(points)
    for number, point in enumerate(points):
        colour, mark, _ = line(number)
        errors = [
            [[abs(end - middle)] for end in ends]
            for middle, ends in ((point.value, point.interval), (point.ap, point.ap_interval))
        ]
        name = f"{point.label} (chosen)" if point == chosen else point.label
        axes.errorbar(point.value, point.ap, errors[1], errors[0], label=name, color=colour, marker=mark, linestyle="", capsize=2)
    axes.axvline(target.limit, color="#444444", linestyle="--", label=str(target))
    axes.set_xlabel(target.column)
    axes.set_ylabel("mean AP")
    axes.set_title(suite)
    figure.legend(loc="outside right center")
    axes.grid(alpha=0.3)
    return content(figure, "svg", f"{suite}: mean AP by {target.column}")
