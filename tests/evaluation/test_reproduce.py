"""Results of every command of the core can be reproduced."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError, Result
from hybrid_bench.evaluation import reproducible
from hybrid_bench.evaluation.evaluate import evaluate
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.evaluation.reproduce import reproduce
from tests.conftest import Cli
from tests.tiny_encoder import TinyEncoder


@pytest.fixture
def made_result(tmp_path: Path) -> Path:
    """The file of a result."""
    return evaluate(TinyEncoder(), "mini", options=EvaluationOptions(languages=("de",), measures=("AP",))).save(tmp_path)


@pytest.mark.parametrize(("index", "name"), [("exact", "tiny"), ("flat", "tiny.flat")])
def test_results_of_a_search_are_reproduced(cli: Cli, tmp_path: Path, index: str, name: str) -> None:
    if index != "exact":
        pytest.importorskip("faiss")
    made = cli("search", "--suite", "mini", "--encoder", "tiny", "--languages", "en,de", "--index", index, "--depth", "50")
    assert made.returncode == 0, made.stderr
    path = tmp_path / "results" / "mini+de+en" / f"{name}.json"
    result = Result.read(path)
    assert "--languages de,en" in result.provenance.command
    run = next(iter(result.run_files.values()))
    content = run.read_bytes()
    run.write_bytes(content[:-5])
    done = cli("reproduce", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"the same: {len(result.rows)} scores, largest difference 0")
    assert f"restored {run}" in done.stderr
    assert run.read_bytes() == content


def test_what_differs_is_printed_with_status_1(cli: Cli, tmp_path: Path) -> None:
    assert cli("evaluate", "tiny", "--languages", "de", "--measures", "AP").returncode == 0
    path = tmp_path / "results" / "mini+de" / "tiny.json"
    fields = json.loads(path.read_text())
    fields["rows"][0]["value"] += 0.25
    fields["provenance"]["queries"]["de"] = "0" * 64
    path.write_text(json.dumps(fields))
    done = cli("reproduce", path)
    assert done.returncode == 1
    assert "the queries are not the same texts" in done.stdout
    assert "de de AP: " in done.stdout


def test_what_reaches_outside_is_shown_and_has_to_be_agreed_to(tmp_path: Path, made_result: Path) -> None:
    fields = json.loads(made_result.read_text())
    fields["provenance"]["command"] = "hybrid-bench evaluate someone/model --suite mini"
    made_result.write_text(json.dumps(fields))
    asked: list[str] = []
    with pytest.raises(HybridBenchError, match="reaches outside of this machine and was not agreed to") as error:
        reproduce(made_result, agree=lambda question: bool(asked.append(question)))
    assert "hybrid-bench evaluate someone/model --suite mini\nRun it?" in asked[0]
    assert "--yes" in error.value.remedy
    # Agreed to, it is run: the hub cannot be reached in tests.
    with pytest.raises(HybridBenchError, match="ended with status 2"):
        reproduce(made_result, agree=lambda question: True)


def test_without_a_terminal_nobody_agrees(cli: Cli, made_result: Path) -> None:
    fields = json.loads(made_result.read_text())
    fields["provenance"]["command"] = "hybrid-bench evaluate someone/model --suite mini"
    made_result.write_text(json.dumps(fields))
    done = cli("reproduce", made_result)
    assert done.returncode == 2
    assert "was not agreed to" in done.stderr
    assert "cannot load" in cli("reproduce", made_result, "--yes").stderr


def test_a_run_that_cannot_be_restored_is_a_difference(cli: Cli, tmp_path: Path) -> None:
    made = cli("search", "--suite", "mini", "--encoder", "tiny", "--languages", "de")
    assert made.returncode == 0, made.stderr
    path = tmp_path / "results" / "mini+de" / "tiny.json"
    fields = json.loads(path.read_text())
    fields["runs"][0]["sha256"] = "0" * 64
    path.write_text(json.dumps(fields))
    done = cli("reproduce", path)
    assert done.returncode == 1
    assert "the run de-de.trec.gz beside the result could not be restored" in done.stdout
    assert gzip.decompress((path.parent / "tiny.runs" / "de-de.trec.gz").read_bytes())


@pytest.mark.parametrize(
    "words",
    ["--index hnsw", "--index=hnsw", "--keep-own --strict --index flat", "--strict", "--encoder tiny --index flat --depth 10"],
)
def test_a_kind_of_index_is_accepted_from_a_result(words: str) -> None:
    assert reproducible.parse(f"hybrid-bench search {words}")[0] == "search"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("search /tmp/store --suite mini", "names a store, which is not accepted from a file"),
        ("search --suite mini /tmp/store", "names a store"),
        ("search --strict /tmp/store --suite mini", "names a store"),
        ("search --suite=mini /tmp/store", "names a store"),
        ("search --suite mini --out x", "has the option --out"),
        ("evaluate tiny --index x", "has the option --index"),
        ("fuse a.json b.json --index=x", "has the option --index=x"),
    ],
)
def test_a_store_or_folder_is_not_accepted_from_a_result(command: str, problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        reproducible.parse(f"hybrid-bench {command}")
