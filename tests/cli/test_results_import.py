"""``results import``: rankings of BEIR and mteb become results."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import Result
from hybrid_bench.results import runs
from tests.conftest import Cli

Scores = Mapping[tuple[str, str, str], float]


@pytest.fixture
def folder(here: Cli, tmp_path: Path) -> Path:
    """The runs of the encoder ``tiny`` in four settings."""
    settings = "de:de,de:en,en:de,en:all"
    done = here("evaluate", "tiny", "--runs", "runs", "--run-settings", settings, "--run-depth", "50", "--measures", "AP")
    assert done.returncode == 0, done.stderr
    return tmp_path / "runs"


def rankings(file: Path) -> dict[str, dict[str, float]]:
    return {query_id: {hit.doc_id: hit.score for hit in hits} for query_id, hits in runs.read(file).items()}


def write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))


def scores(path: Path) -> Scores:
    return {(row.query_set, row.pool, row.measure): row.value for row in Result.read(path).rows}


def test_predictions_of_all_settings_have_the_scores_of_their_runs(here: Cli, tmp_path: Path, folder: Path) -> None:
    subsets = {file.name.removesuffix(runs.RUN_SUFFIX): {"test": rankings(file)} for file in sorted(folder.iterdir())}
    meta = {"mteb_model_meta": {"model_name": "org/tiny", "revision": "7"}}
    write(tmp_path / "Mini_predictions.json", meta | subsets | {"fr-fr": {"test": {"q": {"d": 1.0}}}})
    done = here("results", "import", "Mini_predictions.json", "--measures", "AP nDCG@10")
    assert done.returncode == 0, done.stderr
    assert "note: Left out of Mini_predictions.json, since mini has no such settings: fr-fr." in done.stderr
    assert here("results", "import", "runs", "--measures", "AP nDCG@10").returncode == 0
    found = scores(tmp_path / "results" / "mini" / "org__tiny.json")
    assert len(found) == 9
    assert found == scores(tmp_path / "results" / "mini" / "runs.json")
    result = Result.read(tmp_path / "results" / "mini" / "org__tiny.json")
    assert (result.encoder["revision"], result.damaged_runs()) == ("7", [])
    assert here("reproduce", "results/mini/org__tiny.json").stdout.startswith("the same: 9 scores")


def test_a_file_of_beir_is_of_the_setting_that_it_is_named_by(here: Cli, tmp_path: Path, folder: Path) -> None:
    write(tmp_path / "en-all.json", rankings(folder / "en-all.trec.gz"))
    assert here("results", "import", "en-all.json", "--name", "mine", "--measures", "AP").returncode == 0
    found = scores(tmp_path / "results" / "mini" / "mine.json")
    assert here("results", "import", "runs/en-all.trec.gz", "--name", "same", "--measures", "AP").returncode == 0
    assert found == scores(tmp_path / "results" / "mini" / "same.json")
    assert list(found) == [("en", "all", "AP"), ("en", "all", "SameLanguage@20")]
    result = Result.read(tmp_path / "results" / "mini" / "mine.json")
    assert "is up to date" in here(*shlex.split(result.provenance.command)[1:]).stderr


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"q": {"d": 1.0}}, "mine.json has rankings of mine, and none is a setting of mini\n  Name the suite that they are of"),
        ({"fr": {"test": {"q": {"d": 1.0}}}}, "mine.json has rankings of fr, and none is a setting of mini"),
        (
            {"de:en": {"test": {"bicycles-1": {"en-bicycles-1": 1.0}}}, "de-en": {"test": {"q": {"d": 1.0}}}},
            "two subsets of mine.json are of the setting de:en",
        ),
        ({"de-en": {"test": {"q": {"d": 1.0}}}}, "mine.json has the query 'q', which is not among the suite's queries in de"),
        ({"de-en": {"test": {"bicycles-1": {"d": 1.0}}}}, "mine.json has the passage 'd', which is not in the pool en"),
        ({"schema_version": 2}, "mine.json is not a valid result"),
    ],
)
def test_rankings_of_other_data_are_refused(here: Cli, tmp_path: Path, content: Any, problem: str) -> None:
    write(tmp_path / "mine.json", content)
    done = here("results", "import", "mine.json")
    assert done.returncode == 2
    assert problem in done.stderr
    assert not list(tmp_path.rglob("results/*/*.json"))
