"""Choosing among the arms of a study by a target: against closed forms, and in the report of a tiny study."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError, Result, evaluate
from hybrid_bench.training.recipe import Recipe
from hybrid_bench.training.study import report
from hybrid_bench.training.study.arms import Arm, ScoredArm, arms
from hybrid_bench.training.study.tables import by_language, label, read_published
from hybrid_bench.training.study.target import Target, choose, curve
from tests.conftest import ROOT
from tests.tiny_encoder import TinyEncoder


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return [evaluate(TinyEncoder(dimension=dimension), "mini") for dimension in (32, 256, 1024)]


@pytest.fixture(scope="module")
def scored(results: list[Result]) -> list[ScoredArm]:
    """Hybrid with three alphas, one of them with two seeds, the base and an average."""
    small, middle, large = results
    return [
        ScoredArm(Arm("base"), {"mini": large}),
        ScoredArm(Arm("hybrid", 1, 0.5), {"mini": small}),
        ScoredArm(Arm("hybrid", 2, 0.5), {"mini": middle}),
        ScoredArm(Arm("hybrid", None, 0.5), {"mini": large}),
        ScoredArm(Arm("hybrid", 1, 0.25, swept=True), {"mini": large}),
        ScoredArm(Arm("hybrid+distilled", 1, weight=0.3), {"mini": middle}),
    ]


def test_targets_are_parsed() -> None:
    assert Target.parse("rank-distance<=230") == Target("RankDistance", 230)
    assert Target.parse(" multi-ap >= .65 ") == Target("multi AP", 0.65)
    assert str(Target("RankDistance", 230)) == "RankDistance <= 230"
    assert [Target("RankDistance", 5).met(value) for value in (4.9, 5, 5.1)] == [True, True, False]
    assert [Target("mono AP", 0.5).met(value) for value in (0.4, 0.5, 0.6)] == [False, True, True]
    for bad in ("rank-distance>=230", "multi-ap<=.5", "ap>=.5", "rank-distance", "rank-distance<=", "rank-distance<=nan", ""):
        with pytest.raises(HybridBenchError, match="is not a target"):
            Target.parse(bad)


def test_points_are_means_over_seeds_with_the_interval_of_the_bootstrap(scored: list[ScoredArm], results: list[Result]) -> None:
    points = {point.label: point for point in curve(scored, "mini", Target("RankDistance", 1e9))}
    assert points.keys() == {"hybrid", "hybrid(0.25)", "hybrid+distilled(0.3)"}
    means = [by_language(result).loc["mean"] for result in results]
    assert points["hybrid"].value == pytest.approx(np.mean([means[0]["RankDistance"], means[1]["RankDistance"]]))
    aps = [np.mean([table[f"{setting} AP"] for setting in ("mono", "cross", "multi")]) for table in means]
    assert points["hybrid"].ap == pytest.approx(np.mean(aps[:2]))
    for point in points.values():
        assert point.interval[0] < point.value < point.interval[1]
        assert point.ap_interval[0] < point.ap < point.ap_interval[1]
    # For many questions the interval is 1.96 standard errors wide to each side.
    one = points["hybrid(0.25)"]
    values = _per_question(results[2])
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    assert (one.interval[1] - one.interval[0]) / 2 == pytest.approx(half, rel=0.15)


def _per_question(result: Result) -> np.ndarray:
    """RankDistance of each question, averaged over its translations, from the ranks alone."""
    found: dict[str, list[float]] = {}
    for ranks in result.ranks.by_query_set.values():
        inside = ranks.inside("all")
        for number, query_id in enumerate(ranks.query_ids):
            own = ranks.rank_in["all"][inside][ranks.query[inside] == number]
            if len(own) > 1:
                found.setdefault(query_id, []).append(float(own.max() - own.min()))
    return np.array([np.mean(values) for values in found.values()])


def test_the_best_ap_among_those_that_meet_the_target_is_chosen(scored: list[ScoredArm]) -> None:
    points = curve(scored, "mini", Target("RankDistance", 1e9))
    best = choose(points)
    assert best is not None
    assert best.ap == max(point.ap for point in points)
    assert all(point.met and point.certain for point in points)
    middle = points[1]
    limited = curve(scored, "mini", Target("RankDistance", middle.value))
    assert [point.met for point in limited] == [True, True, False]
    assert not limited[1].certain
    chosen = choose(limited)
    assert chosen is not None
    assert chosen.label in {point.label for point in limited[:2]}
    assert choose(curve(scored, "mini", Target("RankDistance", 0))) is None


@pytest.mark.parametrize(("limit", "line"), [(1e9, "Chosen: **"), (0, "No strategy meets the target; ")])
def test_the_report_has_the_curve_and_the_choice(scored: list[ScoredArm], tmp_path: Path, limit: float, line: str) -> None:
    recipe = Recipe.read(ROOT / "recipes" / "development.toml")
    published = read_published(ROOT / "leaderboards" / "published")
    target = Target("RankDistance", limit)
    files = {}
    for name in ("one", "two"):
        written = report.write(scored, recipe, published, tmp_path / name, "hybrid-bench study strategies", target)
        files[name] = {path.name: path.read_bytes() for path in written}
    assert files["one"] == files["two"]
    text = files["one"]["strategies.md"].decode()
    assert line in text
    assert "![mini: trade-off](strategies-mini-trade-off.svg)" in text
    plot = ET.fromstring(files["one"]["strategies-mini-trade-off.svg"])  # noqa: S314 - written by this test
    words = "".join(plot.itertext())
    assert f"RankDistance <= {limit:g}" in words
    assert "hybrid+distilled(0.3)" in words


def test_weights_of_distillation_are_arms() -> None:
    swept = [arm for arm in arms(1, [], ["distilled"], weights=[3, 0.3, 3]) if "distilled" in arm.strategy]
    assert [arm.stem("b") for arm in swept] == ["hybrid+distilled-0.3-b", "hybrid+distilled-3-b", "distilled-b"]
    assert swept[0].changes() == {"batches.strategy": "hybrid+distilled", "seed": 1, "distillation.weight": 0.3}
    assert [label(ScoredArm(arm, {})) for arm in swept] == ["hybrid+distilled(0.3)", "hybrid+distilled(3)", "distilled"]
    with pytest.raises(HybridBenchError, match="above 0"):
        arms(1, [], weights=[0])
