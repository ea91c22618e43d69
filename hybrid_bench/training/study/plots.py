"""The plots of a study, as SVG files whose bytes depend on the results only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from hybrid_bench.training.study.arms import ScoredArm
from hybrid_bench.training.study.tables import AVERAGED, by_language
from hybrid_bench.training.study.target import Point, Target, choose

if TYPE_CHECKING:
    import pandas as pd

#: Colours and markers; the markers distinguish the lines without colour.
_LINES = {"mono AP": ("#0072b2", "o"), "cross AP": ("#d55e00", "s"), "multi AP": ("#009e73", "^")}
_DOTS = (("#777777", "x"), ("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "v"), ("#e69f00", "P"))


def against_alpha(scored: Sequence[ScoredArm], suite: str) -> bytes | None:
    """Mean AP in the three settings, and RankDistance, by alpha, for seed 1; None for fewer than two alphas."""
    points = {
        one.arm.alpha: by_language(one.results[suite]).loc["mean"]
        for one in scored
        if one.arm.alpha is not None and one.arm.seed == 1
    }
    if len(points) < 2:
        return None
    alphas = sorted(points)
    figure, (left, right) = _figure(2, 9)
    for heading, (colour, mark) in _LINES.items():
        if any(heading not in point for point in points.values()):
            continue
        left.plot(alphas, [points[alpha][heading] for alpha in alphas], marker=mark, color=colour, label=heading)
    left.set_ylabel("mean AP")
    figure.legend(loc="outside lower left", ncols=len(_LINES))  # outside: the lines may be anywhere
    if all("RankDistance" in point for point in points.values()):
        right.plot(alphas, [points[alpha]["RankDistance"] for alpha in alphas], marker="D", color="#444444")
    right.set_ylabel("RankDistance (lower is better)")
    for axes in (left, right):
        axes.set_xlabel("alpha: share of monolingual batches (0: cross, 1: mono)")
        axes.set_title(f"{suite}, seed 1")
        axes.grid(alpha=0.3)
    return _svg(figure, f"{suite}: mean AP and RankDistance by alpha")


def rank_distance(tables: Mapping[str, tuple[pd.DataFrame, pd.DataFrame, int]], suite: str) -> bytes | None:
    """RankDistance by query language and strategy on a logarithmic axis, with the standard deviation over seeds."""
    shown = {
        name: found
        for name, found in tables.items()
        if "RankDistance" in found[0] and "(" not in name and not name.endswith(AVERAGED)
    }
    if not shown:
        return None
    from matplotlib.ticker import LogLocator

    languages = list(next(iter(shown.values()))[0].index)
    figure, (axes,) = _figure(1, max(7, 0.75 * len(languages)))
    width = 0.6 / len(shown)
    for number, (name, (mean, spread, seeds)) in enumerate(shown.items()):
        places = [at + width * (number - (len(shown) - 1) / 2) for at in range(len(languages))]
        errors = spread["RankDistance"].to_numpy() if seeds > 1 else None
        colour, mark = _DOTS[number % len(_DOTS)]
        axes.errorbar(places, mean["RankDistance"], errors, label=name, color=colour, marker=mark, linestyle="", capsize=2)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_xticks(range(len(languages)), languages)
    axes.set_xlabel("query language")
    axes.set_ylabel("RankDistance (lower is better)")
    axes.set_title(suite)
    figure.legend(loc="outside lower center", ncols=len(shown))
    axes.grid(axis="y", alpha=0.3)
    return _svg(figure, f"{suite}: RankDistance by query language")


def trade_off(points: Sequence[Point], suite: str, target: Target) -> bytes:
    """Mean AP against the target's figure, with intervals, the limit, and the chosen arm."""
    figure, (axes,) = _figure(1, 7)
    chosen = choose(points)
    for number, point in enumerate(points):
        colour, mark = _DOTS[number % len(_DOTS)]
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
    return _svg(figure, f"{suite}: mean AP by {target.column}")


def _figure(columns: int, width: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 3.6), layout="constrained")
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def _svg(figure: Any, title: str) -> bytes:
    import matplotlib as mpl

    content = BytesIO()
    with mpl.rc_context({"svg.hashsalt": "hybrid-bench", "svg.fonttype": "none"}):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    return content.getvalue()
