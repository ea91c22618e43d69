"""Published figures, compared with the table in the installed Pyserini."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
import yaml

from hybrid_bench import HybridBenchError
from hybrid_bench.datasets.languages import MIRACL
from hybrid_bench.plugin import RunOptions
from hybrid_bench_pyserini import evaluate_bm25
from hybrid_bench_pyserini.published_figures import compare, figures, source

REPOSITORY = Path(__file__).resolve().parents[3]


def test_every_figure_equals_pyserinis_table() -> None:
    import importlib.util

    spec = importlib.util.find_spec("pyserini")
    assert spec and spec.origin
    listed = yaml.safe_load((Path(spec.origin).parent / "2cr" / "miracl.yaml").read_text())["conditions"]
    theirs = {}
    for condition in listed:
        system, _, language = condition["name"].rpartition(".")
        for split in condition["splits"]:
            for scores in split["scores"]:
                theirs |= {(f"miracl/{language}/{split['split']}", system, name): value for name, value in scores.items()}
    ours = {(figure.suite, figure.system, figure.measure): float(figure.value) for figure in figures()}
    differ = {
        (suite.split("/")[1], system) for (suite, system, name), value in ours.items() if value != theirs[suite, system, name]
    }
    # The page shows another version of these figures; see the note in the toml file.
    assert {language for language, _ in differ} <= {"fa", "ko"}
    assert {system for _, system in differ} <= {"bm25", "bm25-mdpr-tied-pft-msmarco-hybrid"}
    assert {suite.split("/")[1] for suite, _, _ in ours} == set(MIRACL)
    for system in ("bm25", "mdpr-tied-pft-msmarco", "bm25-mdpr-tied-pft-msmarco-hybrid", "mcontriever-tied-pft-msmarco"):
        assert len([1 for suite, name, _ in ours if name == system and suite.endswith("/dev")]) == 2 * len(MIRACL)


def test_the_leaderboard_and_the_plugin_have_the_same_figures() -> None:
    for name in ("pyserini-miracl-2cr.tsv", "pyserini-miracl-2cr.toml"):
        packaged = resources.files("hybrid_bench_pyserini.published").joinpath(name).read_bytes()
        assert (REPOSITORY / "leaderboards" / "published" / name).read_bytes() == packaged
    assert source()["url"].startswith("https://castorini.github.io/")


def test_a_suite_without_published_figures_is_an_error() -> None:
    result = evaluate_bm25("mini", languages=["en"], runs=RunOptions(["nDCG@10"]))
    with pytest.raises(HybridBenchError, match="no published figures on mini"):
        compare(result)
