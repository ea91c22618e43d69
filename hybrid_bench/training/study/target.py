"""Choosing among the arms of a study by a target: the best AP among those that meet a limit of bias, with its uncertainty."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from hybrid_bench.datasets.settings import SettingKind
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.questions import by_question
from hybrid_bench.results.record import Result
from hybrid_bench.training.study.arms import BASE, ScoredArm
from hybrid_bench.training.study.tables import COLUMNS, by_language, label

if TYPE_CHECKING:
    import pandas as pd

#: Figures by which a target may be stated: the word of the command line to the column of the tables.
WORDS = {"rank-distance": "RankDistance", "mono-ap": "mono AP", "cross-ap": "cross AP", "multi-ap": "multi AP"}
#: What is maximised among the arms that meet the target: the mean of these.
_AP = ("mono AP", "cross AP", "multi AP")
_DRAWS = 1000
_QUANTILES = (0.025, 0.975)


class Target(NamedTuple):
    """A limit of a figure: at most the limit for RankDistance, at least the limit for AP."""

    column: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> Target:
        """Parse ``rank-distance<=230`` or ``multi-ap>=.65``.

        Raises:
            HybridBenchError: if it has another form.
        """
        found = re.fullmatch(r"\s*([a-z-]+)\s*(<=|>=)\s*(\d*\.?\d+)\s*", text)
        if found is None or found[1] not in WORDS or (found[2] == "<=") != (found[1] == "rank-distance"):
            raise HybridBenchError(
                f"{text!r} is not a target",
                f"Write rank-distance<=230, or one of {', '.join([*WORDS][1:])} with >= and a number.",
            )
        return cls(WORDS[found[1]], float(found[3]))

    def __str__(self) -> str:
        return f"{self.column} {'<=' if self.column == 'RankDistance' else '>='} {self.limit:g}"

    def met(self, value: float) -> bool:
        """Whether a value meets the target."""
        return value <= self.limit if self.column == "RankDistance" else value >= self.limit


class Point(NamedTuple):
    """An arm on the trade-off curve: means over its seeds, each with a 95 % interval.

    Attributes:
        label: the arm, as tables name it.
        value: of the target's figure.
        interval: of the value, from a bootstrap over questions.
        ap: mean AP over the three settings.
        ap_interval: of the mean AP.
        met: whether the value meets the target.
        certain: whether both ends of the interval agree.
    """

    label: str
    value: float
    interval: tuple[float, float]
    ap: float
    ap_interval: tuple[float, float]
    met: bool
    certain: bool


def curve(scored: Sequence[ScoredArm], suite: str, target: Target) -> list[Point]:
    """The trained arms of a study by the target's figure, from the lowest value; without the averages over seeds.

    Intervals are percentiles of a bootstrap over questions, of which a question and its translations are one. All arms are
    resampled alike. They say how sure a figure is over other questions, not over other seeds.

    Raises:
        HybridBenchError: if the suite does not have the target's figure in every arm.
    """
    arms: dict[str, list[Result]] = {}
    for one in scored:
        if one.arm.strategy != BASE and one.arm.seed is not None:
            arms.setdefault(label(one), []).append(one.results[suite])
    points = []
    for name, results in arms.items():
        tables = [by_language(result).loc["mean"] for result in results]
        columns = (target.column, *_AP)
        missing = [column for column in columns if any(column not in table.index for table in tables)]
        if missing:
            raise HybridBenchError(f"{suite} has no {missing[0]}, so no arm can be chosen on it", "Choose another suite.")
        means = {column: float(np.mean([table[column] for table in tables])) for column in columns}
        drawn = _resampled(results, columns)
        value, ap = means[target.column], float(np.mean([means[column] for column in _AP]))
        interval = _interval(value, drawn[target.column])
        ap_interval = _interval(ap, np.mean([drawn[column] for column in _AP], axis=0))
        met = target.met(value)
        points.append(Point(name, value, interval, ap, ap_interval, met, all(target.met(end) == met for end in interval)))
    return sorted(points, key=lambda point: (point.value, point.label))


def choose(points: Sequence[Point]) -> Point | None:
    """The point with the highest mean AP among those that meet the target; None if none does."""
    return max((point for point in points if point.met), key=lambda point: point.ap, default=None)


def section(points: Sequence[Point], suite: str, target: Target) -> str:
    """The section of the report: the curve as a table, and the choice."""
    chosen = choose(points)
    digits = 1 if target.column == "RankDistance" else 4
    lines = [
        f"### Target: {target} on {suite}\n",
        f"| strategy | {target.column} | 95 % interval | mean AP | 95 % interval | meets the target |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for point in points:
        ends, ap_ends = _ends(point.interval, digits), _ends(point.ap_interval, 4)
        verdict = ("yes" if point.met else "no") + ("" if point.certain else ", uncertain")
        lines.append(f"| {point.label} | {point.value:.{digits}f} | {ends} | {point.ap:.4f} | {ap_ends} | {verdict} |")
    if chosen is None:
        nearest = min(points, key=lambda point: abs(point.value - target.limit))
        choice = f"No strategy meets the target; {nearest.label} is nearest."
    else:
        sure = "" if chosen.certain else " The interval includes the limit: on other questions it may not meet the target."
        choice = f"Chosen: **{chosen.label}**, the highest mean AP among those that meet the target.{sure}"
    note = "Mean AP: over the three settings. Intervals: bootstrap over questions, a question and its translations as one."
    return "\n".join([*lines, "", choice, "", note]) + "\n"


def _ends(interval: tuple[float, float], digits: int) -> str:
    return " to ".join(f"{end:.{digits}f}" for end in interval)


def _resampled(results: Sequence[Result], columns: Sequence[str]) -> Mapping[str, np.ndarray]:
    """Column to its deviation from the mean over questions, for each draw; averaged over results.  # (draws,) float64."""
    found: dict[str, np.ndarray] = {column: np.zeros(_DRAWS) for column in columns}
    asked = [cast(tuple[SettingKind, str], COLUMNS[column]) for column in columns]
    for result in results:
        for column, values in zip(columns, by_question(result, asked), strict=True):
            found[column] += _deviations(values) / len(results)
    return found


def _deviations(values: pd.Series[float]) -> np.ndarray:
    observed = values.to_numpy(dtype=np.float64)
    # The same draws for every column and arm with as many questions, so that arms are compared on the same questions.
    random = np.random.default_rng(len(observed))
    means = [observed[random.integers(0, len(observed), len(observed))].mean() for _ in range(_DRAWS)]
    deviations: np.ndarray = np.array(means) - observed.mean()
    return deviations


def _interval(value: float, deviations: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(deviations, _QUANTILES)
    return value + float(low), value + float(high)
