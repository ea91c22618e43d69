"""Rank agreement of suites: against scipy and closed forms, from results and from tables of studies."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pandas as pd
import pytest

from hybrid_bench import HybridBenchError, Result, evaluate
from hybrid_bench.cli import main
from hybrid_bench.training.study.agreement import FIGURES, Agreement, agreement, read
from tests.conftest import ROOT
from tests.mutations import mutated
from tests.tiny_encoder import TinyEncoder

STUDY = ROOT / "leaderboards" / "studies" / "strategies.csv"


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["hybrid-bench", "study", "agreement", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def figures(values: list[float]) -> dict[str, dict[str, float]]:
    return {f"e{number}": dict.fromkeys(FIGURES, value) for number, value in enumerate(values)}


def test_agreement_of_small_orders_is_that_of_the_closed_form() -> None:
    """One exchanged pair of neighbours among four: tau = (5 - 1) / 6, rho = 1 - 6 * 2 / (4 * 15)."""
    found = agreement(figures([1, 2, 3, 4]), figures([10, 30, 20, 40]) | {"other": {}})
    assert [row.figure for row in found] == list(FIGURES)
    for row in found:
        assert row[1:3] == (4, pytest.approx(0.8))
        assert (row.kendall, row.alike, row.pairs) == (pytest.approx(4 / 6), 5, 6)
        assert row.p == pytest.approx(8 / 24), "8 of the 24 orders have a tau of at least 2/3 or at most -2/3"
    assert agreement(figures([1, 2, 3]), figures([3, 2, 1]))[0][2:4] == (pytest.approx(-1), pytest.approx(-1))
    (same, *_) = agreement(figures([1, 2, 3]), figures([5, 5, 5]))
    assert same.spearman != same.spearman
    assert same.kendall != same.kendall


def test_the_committed_study_ranks_trainings_on_mlqa_r_as_on_xquad_r(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read([STUDY], "me5-small")
    assert found["xquad-r"].keys() == found["mlqa-r"].keys()
    assert {"me5-small", "mono-me5-small", "hybrid-me5-small-seed3"} < found["xquad-r"].keys()
    assert len(found["xquad-r"]) == 13
    by_hand = pd.read_csv(STUDY).query("language == 'mean' and column == 'multi AP'")
    wide = by_hand.assign(seed=by_hand["seed"].fillna(0)).pivot(index=["strategy", "seed"], columns="suite", values="value")
    (row,) = (row for row in agreement(found["xquad-r"], found["mlqa-r"]) if row.figure == "multi AP")
    assert row.spearman == pytest.approx(wide.corr("spearman").iloc[0, 1])
    assert command(monkeypatch, str(STUDY), "--suites", "xquad-r,mlqa-r", "--format", "csv") == 0
    assert f"multi AP,13,{row.spearman:.3f},{row.kendall:.3f}," in capsys.readouterr().out


def test_results_and_tables_of_studies_name_encoders_alike(tmp_path: Path) -> None:
    result = evaluate(TinyEncoder(), "mini")
    result.save(tmp_path)
    found = read([tmp_path], "tiny")
    assert found["mini"].keys() == {result.name}
    (path,) = tmp_path.rglob("*.json")
    content = json.loads(path.read_text())
    assert Result.read(path) == result
    for row in content["rows"]:
        row["value"] /= 2
    (tmp_path / "copy.json").write_text(json.dumps(content))
    with pytest.raises(HybridBenchError, match="two results"):
        read([tmp_path], "tiny")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--suites", "xquad-r"], "does not name two suites"),
        (["--suites", "xquad-r,xquad-r"], "does not name two suites"),
        ([], "there is no result on squad-dev-r"),
    ],
)
def test_errors(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert command(monkeypatch, str(STUDY), *arguments) == 2
    assert message in capsys.readouterr().err


def test_fewer_than_three_encoders_and_empty_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="2 encoders"):
        agreement(figures([1, 2]), figures([1, 2, 3]))
    with pytest.raises(HybridBenchError, match="holds no result"):
        read([tmp_path], "me5-small")
    with pytest.raises(HybridBenchError):
        read([tmp_path / "missing.csv"], "me5-small")


def test_damaged_tables_give_an_error_or_figures(tmp_path: Path) -> None:
    content = "\n".join(line for line in STUDY.read_text().splitlines() if ",mean," in line or line.startswith("suite")).encode()
    path = tmp_path / "strategies.csv"
    rng = random.Random(1)
    for _ in range(2000):
        path.write_bytes(mutated(content[:700], rng))
        try:
            found = read([path], "me5-small")
        except HybridBenchError:
            continue
        assert all(isinstance(value, float) for of in found.values() for own in of.values() for value in own.values())
    assert isinstance(Agreement("multi AP", 3, 1.0, 1.0, 0.3, 3, 3), tuple)
