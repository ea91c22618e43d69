"""A whole study of a tiny base: trained, scored, reported; and done again from what is there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hybrid_bench import HybridBenchError, cache
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.training import study, study_report
from hybrid_bench.training.recipe import Recipe
from hybrid_bench.training.study_tables import over_seeds, published_means, read_published, significance
from hybrid_bench.training.train import train
from tests.conftest import ROOT
from tests.training.tiny_training import recipe

PUBLISHED = ROOT / "leaderboards" / "published"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    chosen = recipe(folder, optimiser__steps=2, dev__questions=6, dev__every=2)
    (folder / "tiny.toml").write_text(chosen.to_toml())
    return folder


def done(place: Path) -> list[study.Scored]:
    return list(study.run(place / "tiny.toml", study.arms(2, [0.25]), ["mini"], place / "work", device="cpu"))


@pytest.fixture(scope="module")
def scored(place: Path) -> list[study.Scored]:
    return done(place)


def written(place: Path, scored: list[study.Scored], name: str) -> dict[str, bytes]:
    shared = Recipe.read(place / "tiny.toml")
    files = study_report.write(scored, shared, read_published(PUBLISHED), place / name, "hybrid-bench study strategies")
    return {path.name: path.read_bytes() for path in files}


def test_the_arms_are_the_strategies_the_seeds_and_the_alphas() -> None:
    names = [(arm.stem("b"), arm.seed) for arm in study.arms(2, [0, 0.25, 0.5, 1], ["english"])]
    strategies = [(f"{name}-b", seed) for seed in (1, 2, None) for name in ("mono", "cross", "hybrid")]
    assert names == [("b", None), *strategies, ("hybrid-0.25-b", 1), ("english-b", 1)]
    assert all(arm.seed == 1 for arm in study.arms(1, []) if arm.strategy != "base"), "one seed has no mean"
    for bad in ((0, [], []), (1, [1.5], []), (1, [], ["german"])):
        with pytest.raises(HybridBenchError):
            study.arms(*bad)


def test_a_study_is_scored_and_leaves_no_large_file(place: Path, scored: list[study.Scored]) -> None:
    assert [one.arm.strategy for one in scored] == ["base", *["mono", "cross", "hybrid"] * 3, "hybrid"]
    assert all({*one.results} == {"mini"} for one in scored)
    assert not list((place / "work").rglob("model.safetensors"))
    assert not list((place / "work").glob("vectors/*"))
    assert not [path for path in (cache.home() / "encoders").rglob("model.safetensors") if "-tiny-" in str(path)]


def test_a_study_that_is_done_is_not_done_again(place: Path, scored: list[study.Scored]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (place / "work").rglob("*.json")}
    again = done(place)
    assert before == {path: path.stat().st_mtime_ns for path in (place / "work").rglob("*.json")}
    assert [one.results["mini"].rows for one in again] == [one.results["mini"].rows for one in scored]
    assert written(place, scored, "report") == written(place, again, "again")


def test_a_missing_result_is_made_again_from_the_difference(place: Path, scored: list[study.Scored]) -> None:
    path = next((place / "work" / "results").rglob("mono-*-seed2.json"))
    before = path.read_text().partition('"timings"')[0]
    path.unlink()
    done(place)
    assert path.read_text().partition('"timings"')[0] == before


def test_the_report_states_what_was_found(place: Path, scored: list[study.Scored]) -> None:
    files = written(place, scored, "report")
    text = files["strategies.md"].decode()
    mean, spread, _ = over_seeds(scored, "mini")["hybrid"]
    stated = [f"{mean[column]['mean']:.4f} ± {spread[column]['mean']:.4f}" for column in ("mono AP", "cross AP", "multi AP")]
    row = next(line for line in text.splitlines() if line.startswith("| hybrid |"))
    assert f"| hybrid | 2 | {' | '.join(stated)} |" in row
    assert text.count("**holds**") + text.count("**does NOT hold**") == 4
    assert {"strategies-mini-alpha.svg", "strategies-mini-rank-distance.svg"} <= files.keys()
    assert all(
        content.startswith(b"<?xml") and b"<dc:date>" not in content for name, content in files.items() if name.endswith("svg")
    )
    (place / "read.csv").write_bytes(files["strategies.csv"])
    frame = pd.read_csv(place / "read.csv")
    means = {"mono, weights averaged", "cross, weights averaged", "hybrid, weights averaged"}
    assert set(frame["strategy"]) == {"no fine-tuning", "mono", "cross", "hybrid", "hybrid(0.25)", *means}
    assert len(frame[(frame["strategy"] == "mono") & (frame["language"] == "mean") & (frame["column"] == "mono AP")]) == 2


def test_means_are_compared_with_means(scored: list[study.Scored]) -> None:
    tests = significance(scored, "mini")
    assert set(zip(tests["against"], tests["seed"], strict=True)) == {
        *((name, seed) for name in ("mono", "cross", "no fine-tuning") for seed in (1, 2)),
        *((name, "all") for name in ("mono, weights averaged", "cross, weights averaged", "no fine-tuning")),
        ("hybrid(0.25)", 1),
    }


def test_the_mean_of_a_strategy_is_what_its_recipe_trains(place: Path, scored: list[study.Scored], tmp_path: Path) -> None:
    shared = Recipe.read(place / "tiny.toml", {"batches.strategy": "cross", "averaging.trainings": 2, "name": "cross-tiny-base"})
    folder = train(shared, tmp_path / "cross", device="cpu")
    of_study = place / "work" / "trained" / "cross-tiny-base"
    assert (folder / "difference.safetensors").read_bytes() == (of_study / "difference.safetensors").read_bytes()
    assert EncoderCard.read(folder / "encoder.toml") == EncoderCard.read(of_study / "encoder.toml")


def test_published_figures_are_the_papers(tmp_path: Path) -> None:
    means = published_means(read_published(PUBLISHED), "xquad-r")
    assert means["LaBSE Hybrid"]["mono AP"] == 0.8167
    assert means["XLM-R X-X"]["RankDistance"] == 410.2
    with pytest.raises(HybridBenchError, match="there are no published figures"):
        read_published(tmp_path)
