"""Results of every command of the core can be reproduced."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError, Result
from hybrid_bench.evaluation import reproducible
from tests.conftest import Cli


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


@pytest.mark.parametrize("words", ["--index hnsw", "--index=hnsw", "--encoder tiny --index flat --depth 10"])
def test_a_kind_of_index_is_accepted_from_a_result(words: str) -> None:
    assert reproducible.parse(f"hybrid-bench search {words}")[0] == "search"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("search /tmp/store --suite mini", "names a store, which is not accepted from a file"),
        ("search --suite mini /tmp/store", "names a store"),
        ("search --suite mini --out x", "has the option --out"),
        ("evaluate tiny --index x", "has the option --index"),
        ("fuse a.json b.json --index=x", "has the option --index=x"),
    ],
)
def test_a_store_or_folder_is_not_accepted_from_a_result(command: str, problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        reproducible.parse(f"hybrid-bench {command}")
