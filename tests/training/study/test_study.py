"""A study of a tiny base: training, scoring, report, and reuse of stored results."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.cli import main
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.plugin import load_published
from hybrid_bench.support import cache
from hybrid_bench.training.recipe import Recipe
from hybrid_bench.training.study import arms, report
from hybrid_bench.training.study.tables import over_seeds, published_means, read_published, significance
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


def done(place: Path) -> list[arms.ScoredArm]:
    return list(arms.run(place / "tiny.toml", arms.arms(2, [0.25]), ["mini"], place / "work", device="cpu"))


@pytest.fixture(scope="module")
def scored(place: Path) -> list[arms.ScoredArm]:
    return done(place)


def written(place: Path, scored: list[arms.ScoredArm], name: str) -> dict[str, bytes]:
    shared = Recipe.read(place / "tiny.toml")
    files = report.write(scored, shared, read_published(PUBLISHED), place / name, "hybrid-bench study strategies")
    return {path.name: path.read_bytes() for path in files}


def comparisons(text: str) -> list[list[str]]:
    """The rows of a report that compare hybrid with another strategy."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| mono | ", "| cross | "))]
    return [row for row in rows if " against " in row[2]]


def test_arms_of_strategies_seeds_and_alphas() -> None:
    names = [(arm.stem("b"), arm.seed) for arm in arms.arms(2, [0, 0.25, 0.5, 1], ["english"])]
    strategies = [(f"{name}-b", seed) for seed in (1, 2, None) for name in ("mono", "cross", "hybrid")]
    assert names == [("b", None), *strategies, ("hybrid-0.25-b", 1), ("english-b", 1), ("english-b", 2)]
    of_recipe = [(arm.stem("b"), arm.alpha) for arm in arms.arms(1, [0.25, 0.5], alpha=0.25) if arm.strategy == "hybrid"]
    assert of_recipe == [("hybrid-b", 0.25), ("hybrid-0.5-b", 0.5)]
    assert all(arm.seed == 1 for arm in arms.arms(1, []) if arm.strategy != "base"), "one seed has no mean"
    assert arms.arms(1, [], ["english", "english"]) == arms.arms(1, [], ["english"])
    for bad in ((0, [], []), (65, [], []), (1, [1.5], []), (1, [], ["german"]), (1, [], [], 1.0)):
        with pytest.raises(HybridBenchError):
            arms.arms(*bad)  # type: ignore[arg-type]


def test_study_scores_every_arm_and_deletes_large_files(place: Path, scored: list[arms.ScoredArm]) -> None:
    assert [one.arm.strategy for one in scored] == ["base", *["mono", "cross", "hybrid"] * 3, "hybrid"]
    assert all({*one.results} == {"mini"} for one in scored)
    assert not list((place / "work").rglob("model.safetensors"))
    assert not list((place / "work").glob("vectors/*"))
    assert not [path for path in (cache.home() / "encoders").rglob("model.safetensors") if "-tiny-" in str(path)]


def test_finished_study_is_reused(place: Path, scored: list[arms.ScoredArm]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (place / "work").rglob("*.json")}
    again = done(place)
    assert before == {path: path.stat().st_mtime_ns for path in (place / "work").rglob("*.json")}
    assert [one.results["mini"].rows for one in again] == [one.results["mini"].rows for one in scored]
    assert written(place, scored, "report") == written(place, again, "again")


def test_missing_result_is_computed_from_the_difference(place: Path, scored: list[arms.ScoredArm]) -> None:
    path = next((place / "work" / "results").rglob("mono-*-seed2.json"))
    before = path.read_text().partition('"timings"')[0]
    path.unlink()
    done(place)
    assert path.read_text().partition('"timings"')[0] == before


def test_other_encoders_in_the_cache_are_kept(place: Path, scored: list[arms.ScoredArm]) -> None:
    """A cached encoder may be the same as one of a study."""
    path = next((place / "work" / "results").rglob("cross-*-seed1.json"))
    own = load_published(place / "work" / "trained" / "cross-tiny-base" / "seeds" / "1", base=str(place / "base"), dtype="fp32")
    weights = Path(own.card.model) / "model.safetensors"
    assert weights.is_file()
    path.unlink()
    done(place)
    assert path.is_file()
    assert weights.is_file()
    shutil.rmtree(weights.parent)


def test_results_are_stored_per_trained_weights(place: Path, scored: list[arms.ScoredArm]) -> None:
    """In a copy of the study, after training again with another recipe."""
    shutil.copytree(place / "work", place / "other")
    shutil.rmtree(place / "other" / "trained" / "mono-tiny-base")
    changes = {"optimiser.steps": 1, "optimiser.learning_rate": 0.1}
    (again,) = arms.run(place / "tiny.toml", [arms.Arm("mono", 1, 1.0)], ["mini"], place / "other", changes=changes)
    (before,) = (one for one in scored if one.arm == again.arm)
    assert again.results["mini"].rows != before.results["mini"].rows


def test_results_of_a_folder_suite_depend_on_its_content(place: Path, scored: list[arms.ScoredArm], tmp_path: Path) -> None:
    """Two folders with the same name and different judgements have separate results."""
    suites = []
    for name, relevant in (("one", "d0"), ("two", "d1")):
        folder = tmp_path / name / "mine"
        (folder / "qrels").mkdir(parents=True)
        passages = [{"_id": f"d{number}", "title": "", "text": f"en{number} en{number + 1}"} for number in range(4)]
        (folder / "corpus.jsonl").write_text("".join(json.dumps(passage) + "\n" for passage in passages))
        (folder / "queries.jsonl").write_text('{"_id": "q", "text": "what is en0 en1"}\n')
        (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\nq\t{relevant}\t1\n")
        suites.append(str(folder))
    chosen = [arm for arm in arms.arms(1, []) if arm.strategy in ("base", "mono")]

    def run() -> list[arms.ScoredArm]:
        return list(arms.run(place / "tiny.toml", chosen, suites, place / "work", device="cpu"))

    found = run()
    assert all(one.results[suites[0]].rows != one.results[suites[1]].rows for one in found)
    before = {path: path.stat().st_mtime_ns for path in (place / "work" / "results").rglob("*.json")}
    assert [one.results[suite].rows for one in run() for suite in suites] == [
        one.results[suite].rows for one in found for suite in suites
    ]
    assert before == {path: path.stat().st_mtime_ns for path in (place / "work" / "results").rglob("*.json")}


def test_adding_a_seed_reuses_the_others(place: Path, scored: list[arms.ScoredArm]) -> None:
    shutil.copytree(place / "work", place / "more")
    chosen = [arm for arm in arms.arms(3, []) if arm.strategy == "cross"]
    *_, mean = arms.run(place / "tiny.toml", chosen, ["mini"], place / "more", device="cpu")
    (of_two,) = (one for one in scored if one.arm == mean.arm)
    assert mean.results["mini"].rows != of_two.results["mini"].rows
    card = EncoderCard.read(place / "more" / "trained" / "cross-tiny-base" / "encoder.toml")
    assert card.description.endswith("the mean of the weights of 3 trainings, seeds 1 to 3")


def test_report_of_a_suite_that_lacks_a_setting(place: Path, scored: list[arms.ScoredArm]) -> None:
    def one_setting(one: arms.ScoredArm) -> arms.ScoredArm:
        result = one.results["mini"]
        rows = [row for row in result.rows if row.setting == "monolingual"]
        return arms.ScoredArm(one.arm, {"mini": result.model_copy(update={"rows": rows})}, one.batch_shares)

    text = written(place, [one_setting(one) for one in scored], "monolingual")["strategies.md"].decode()
    assert [line[1] for line in comparisons(text)] == ["mono AP", "mono AP"]


def test_setting_a_reserved_key_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        (["--set", "seed=7"], "a study sets seed itself"),
        (["--suites", ","], "--suites is empty"),
        (["--base", "x"], "Give one with --recipe"),
    ):
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr("sys.argv", ["hybrid-bench", "study", "strategies", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert message in capsys.readouterr().err


def study_of(place: Path, monkeypatch: pytest.MonkeyPatch, work: Path, out: Path, *more: str) -> int:
    words = ["--base", str(place / "base"), "--recipe", str(place / "tiny.toml"), "--suites", "mini", "--alphas", ".25"]
    words += ["--seeds", "2", "--work", str(work), "--out", str(out), "--published", str(PUBLISHED), "--device", "cpu", *more]
    monkeypatch.setattr("sys.argv", ["hybrid-bench", "study", "strategies", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_command_writes_the_report(
    place: Path,
    scored: list[arms.ScoredArm],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert study_of(place, monkeypatch, place / "work", tmp_path) == 0
    printed = capsys.readouterr()
    assert "7 trainings of 2 steps" in printed.err
    assert sorted(printed.out.split()) == sorted(str(path) for path in tmp_path.iterdir())
    expected = written(place, scored, "expected")
    assert (tmp_path / "strategies.csv").read_bytes() == expected["strategies.csv"]
    assert "--suites mini --alphas .25" in (tmp_path / "strategies.md").read_text()


def test_command_chooses_by_a_target_among_alphas_and_weights_of_distillation(
    place: Path,
    scored: list[arms.ScoredArm],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = ("--target", "rank-distance<=100000", "--distillation-weights", ".5")
    assert study_of(place, monkeypatch, place / "work", tmp_path, *more) == 0
    assert "8 trainings of 2 steps" in capsys.readouterr().err
    text = (tmp_path / "strategies.md").read_text()
    assert "### Target: RankDistance <= 100000 on mini" in text
    assert "Chosen: **" in text
    assert "| hybrid+distilled(0.5) | 1 | " in text
    assert "--target 'rank-distance<=100000'" in text
    assert (tmp_path / "strategies-mini-trade-off.svg").is_file()
    assert study_of(place, monkeypatch, place / "work", tmp_path, "--target", "rank-distance") == 2
    assert "is not a target" in capsys.readouterr().err


def test_strategy_without_batches_fails_before_the_first_training(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study_of(place, monkeypatch, tmp_path / "work", tmp_path, "--set", 'data.languages=["en"]') == 2
    assert "the strategy cross needs pairs of languages" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_missing_translations_fail_before_the_first_training(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "alone.jsonl").write_text(
        "".join(
            f'{{"id": "{n}", "question": {{"en": "q{n} a", "de": "f{n}"}}, "sentence": {{"en": "s{n}", "de": "{n}z"}}}}\n'
            for n in range(80)
        )
    )
    data = f'data.sources={{"{tmp_path / "alone.jsonl"}"=1}}'
    assert study_of(place, monkeypatch, tmp_path / "work", tmp_path, "--baselines", "code-switched", "--set", data) == 2
    assert "has a translation" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("missing", ["matplotlib", "datasets"])
def test_missing_package_fails_before_the_first_training(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert study_of(place, monkeypatch, tmp_path / "work", tmp_path) == 2
    assert 'python -m pip install "hybrid-bench[train]"' in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "work").exists()


def test_report_contains_the_scores(place: Path, scored: list[arms.ScoredArm]) -> None:
    files = written(place, scored, "report")
    text = files["strategies.md"].decode()
    mean, spread, _ = over_seeds(scored, "mini")["hybrid"]
    stated = [f"{mean[column]['mean']:.4f} ± {spread[column]['mean']:.4f}" for column in ("mono AP", "cross AP", "multi AP")]
    row = next(line for line in text.splitlines() if line.startswith("| hybrid | 2 |"))
    assert f"| hybrid | 2 | {' | '.join(stated)} |" in row
    compared = comparisons(text)
    assert [(line[0], line[1]) for line in compared] == [
        (f"| {other}", column) for other in ("mono", "cross") for column in ("mono AP", "cross AP", "multi AP", "RankDistance")
    ]
    other = over_seeds(scored, "mini")["cross"][0]
    word = "better" if mean["multi AP"]["mean"] > other["multi AP"]["mean"] else "worse"
    assert compared[6][2] == f"{word}: {mean['multi AP']['mean']:.4f} against {other['multi AP']['mean']:.4f}"
    assert "| mono |  | 1.000 |" in text, "the shares of batches"
    assert "Only the strategy differs:" in text
    sentences = [replace(one, batch_shares={**one.batch_shares, ("news", "cross-lingual"): 0.1}) for one in scored]
    assert "a source with pairs of one kind only (news)" in written(place, sentences, "sentences")["strategies.md"].decode()
    assert {"strategies-mini-alpha.svg", "strategies-mini-rank-distance.svg"} <= files.keys()
    assert all(
        content.startswith(b"<?xml") and b"<dc:date>" not in content for name, content in files.items() if name.endswith("svg")
    )
    (place / "read.csv").write_bytes(files["strategies.csv"])
    frame = pd.read_csv(place / "read.csv")
    means = {"mono, weights averaged", "cross, weights averaged", "hybrid, weights averaged"}
    assert set(frame["strategy"]) == {"no fine-tuning", "mono", "cross", "hybrid", "hybrid(0.25)", *means}
    assert len(frame[(frame["strategy"] == "mono") & (frame["language"] == "mean") & (frame["column"] == "mono AP")]) == 2


def test_report_compares_with_the_paper() -> None:
    of_paper = published_means(read_published(PUBLISHED), "xquad-r")
    own = {name: of_paper[f"LaBSE {theirs}"] for name, theirs in (("mono", "X-X"), ("cross", "X-Y"), ("hybrid", "Hybrid"))}
    tests = pd.DataFrame(columns=["against", "setting", "measure", "difference", "p_randomisation"])

    def compared(figures: dict[str, dict[str, float]]) -> str:
        tables = {name: (pd.DataFrame(row, index=["mean"]), pd.DataFrame(), 1) for name, row in figures.items()}
        return report._comparison(tables, tests, of_paper)

    as_there = compared(own)
    assert as_there.count("| yes |") == 7
    assert "**no**" not in as_there
    assert "better: 0.6817 against 0.6791 | better 0 of 0, worse 0 | worse: XLM-R; better: LaBSE |  |" in as_there
    turned = compared({"mono": own["hybrid"], "cross": own["hybrid"], "hybrid": own["mono"]})
    assert turned.count("**no**") == 7
    assert "| mono | RankDistance | worse: 261.5 against 221.1 | " in turned


def test_averaged_weights_are_compared_with_averaged_weights(scored: list[arms.ScoredArm]) -> None:
    tests = significance(scored, "mini")
    assert set(zip(tests["against"], tests["seed"], strict=True)) == {
        *((name, seed) for name in ("mono", "cross", "no fine-tuning") for seed in (1, 2)),
        *((name, "all") for name in ("mono, weights averaged", "cross, weights averaged", "no fine-tuning")),
        ("hybrid(0.25)", 1),
    }


def test_averaged_arm_equals_a_training_of_its_recipe(place: Path, scored: list[arms.ScoredArm], tmp_path: Path) -> None:
    shared = Recipe.read(place / "tiny.toml", {"batches.strategy": "cross", "averaging.trainings": 2, "name": "cross-tiny-base"})
    folder = train(shared, tmp_path / "cross", device="cpu")
    of_study = place / "work" / "trained" / "cross-tiny-base"
    assert (folder / "difference.safetensors").read_bytes() == (of_study / "difference.safetensors").read_bytes()
    assert EncoderCard.read(folder / "encoder.toml") == EncoderCard.read(of_study / "encoder.toml")


def test_published_figures(tmp_path: Path) -> None:
    means = published_means(read_published(PUBLISHED), "xquad-r")
    assert means["LaBSE Hybrid"]["mono AP"] == 0.8167
    assert means["XLM-R X-X"]["RankDistance"] == 410.2
    with pytest.raises(HybridBenchError, match="there are no published figures"):
        read_published(tmp_path)
