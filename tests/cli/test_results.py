"""``hybrid-bench results``: results of earlier schema versions are read, and rewritten on request."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hybrid_bench import EvaluationOptions, Result, evaluate, load_suite
from hybrid_bench.evaluation.stored import search_store
from hybrid_bench.results import tables
from tests.conftest import Cli
from tests.evaluation.test_evaluate import WholeNumbers
from tests.tiny_encoder import TinyEncoder


def in_version_1(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a result as schema version 1 had them."""
    old = {name: value for name, value in fields.items() if name not in ("query_sets", "collections", "pools")}
    provenance = dict(fields["provenance"])
    depth, storage = provenance.pop("depth"), provenance.pop("storage")
    notes = [f"Passage vectors are stored in {storage}; queries are not rounded."] if storage else []
    old |= {
        "schema_version": 1,
        "notes": [*fields["notes"], *notes],
        "provenance": provenance | {"depth": f"{depth} passages a query" if depth else "the whole pool"},
        "rows": [
            {"query_language" if key == "query_set" else key: value for key, value in row.items()} for row in fields["rows"]
        ],
        "runs": {f"{run['query_set']}:{run['pool']}": run["sha256"] for run in fields.get("runs", [])},
    }
    return old


def ranks_in_version_1(content: bytes) -> bytes:
    head, *rows = csv.reader(io.StringIO(gzip.decompress(content).decode()), delimiter="\t")
    assert head == ["query_set", "query_id", "collection", "doc_id", "relevance", "rank", "rank:all"]
    old = ["query_language", "query_id", "passage_language", "doc_id", "relevance", "rank", "rank_all"]
    return gzip.compress("".join("\t".join(row) + "\n" for row in [old, *rows]).encode(), mtime=0)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of two results in a folder."""
    folder = tmp_path_factory.mktemp("results")
    result = evaluate(TinyEncoder(), "mini", options=EvaluationOptions(languages=("de", "en")))
    other = result.model_copy(update={"encoder": result.encoder | {"name": "other"}})
    return [result.save(folder), other.with_ranks(result.ranks).save(folder)]


def test_results_are_listed_with_their_means(here: Cli, two: list[Path]) -> None:
    folder = two[0].parent.parent
    done = here("results", "list", folder, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["encoder"], row["suite"], row["file"]) for row in rows] == [
        ("other", "mini+de+en", str(two[1])),
        ("tiny", "mini+de+en", str(two[0])),
    ]
    mean = tables.by_query_set(Result.read(two[0])).loc["mean"]
    assert float(rows[1]["multi"]) == pytest.approx(mean["multi AP"])
    assert float(rows[1]["RankDistance"]) == pytest.approx(mean["RankDistance"])
    assert here("results", "list", "nowhere").returncode == 2


def test_a_broken_file_is_named_after_the_others_were_listed(here: Cli, two: list[Path], tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    done = here("results", "list", two[0].parent, tmp_path, "--format", "csv")
    assert done.returncode == 2
    assert done.stdout.count("\n") == 3
    assert "broken.json is not JSON" in done.stderr
    assert "Traceback" not in done.stderr


def test_several_results_are_shown_and_compared(here: Cli, two: list[Path]) -> None:
    done = here("results", "show", *two)
    assert done.stdout.count("Means over settings") == 2
    assert "Means over query sets" in done.stdout
    rows = list(csv.DictReader(io.StringIO(here("results", "show", *two, "--format", "csv").stdout)))
    assert [row["encoder"] for row in rows] == ["tiny", "other"]
    long = list(csv.DictReader(io.StringIO(here("results", "show", *two, "--long", "--format", "csv").stdout)))
    assert len(long) == 2 * len(Result.read(two[0]).rows)
    matrix = list(csv.DictReader(io.StringIO(here("results", "show", *two, "--matrix", "AP", "--format", "csv").stdout)))
    assert [(row["query_set"], row["encoder"]) for row in matrix] == [(s, e) for e in ("tiny", "other") for s in ("de", "en")]


def test_queries_go_into_parquet_and_csv(here: Cli, two: list[Path], tmp_path: Path) -> None:
    done = here("results", "per-query", two[0], "--format", "parquet", "--out", "q.parquet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote q.parquet\n")
    expected = Result.read(two[0]).per_query()
    frame = pd.read_parquet(tmp_path / "q.parquet")
    assert frame["ranks"].map(list).tolist() == expected["ranks"].tolist()
    pd.testing.assert_frame_equal(frame.drop(columns="ranks"), expected.drop(columns="ranks"), check_dtype=False)
    rows = list(csv.DictReader(io.StringIO(here("results", "per-query", two[0], "--measures", "RR").stdout)))
    assert len(rows) == 6 * 45
    assert all(float(row["value"]) == pytest.approx(1 / int(row["ranks"].split()[0])) for row in rows)
    beside = here("results", "per-query", two[0], "--format", "parquet")
    assert beside.stderr == f"wrote {two[0].with_name('tiny.queries.parquet')}\n"
    assert here("results", "per-query", two[0], "--format", "arrow").returncode == 2


def test_a_notebook_shows_tables_and_repr_is_short(two: list[Path]) -> None:
    result = Result.read(two[0])
    assert repr(result) == f"<Result of tiny on mini+de+en: {len(result.rows)} scores>"
    shown = result._repr_html_()
    assert shown.count("<table") == 2
    assert f"{tables.by_query_set(result).loc['mean', 'mono AP']:.4f}" in shown
    hostile = result.model_copy(update={"notes": ("<script>",)})
    assert "<script>" not in hostile._repr_html_()


@pytest.fixture
def exact(tmp_path: Path) -> tuple[Path, Result]:
    """The file of an exact result in schema version 1, and the result in the present version."""
    result = evaluate(TinyEncoder(), "mini", options=EvaluationOptions(languages=("de", "en")))
    path = result.save(tmp_path)
    fields = json.loads(path.read_text())
    ranks = path.parent / fields["ranks_file"]["file"]
    ranks.write_bytes(ranks_in_version_1(ranks.read_bytes()))
    fields["ranks_file"]["sha256"] = hashlib.sha256(ranks.read_bytes()).hexdigest()
    path.write_text(json.dumps(in_version_1(fields)))
    return path, result


class InBf16(WholeNumbers):
    dtype = "bf16"


@pytest.fixture
def with_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Result]:
    """The same for a result that has runs; version 1 kept those of bf16 in the folder of fp32."""
    from hybrid_bench.encoders.load import REGISTRY

    monkeypatch.setitem(REGISTRY._added, "whole-numbers", lambda **_: InBf16())
    options = EvaluationOptions(languages=("de", "en"), results=tmp_path)
    result = search_store(load_suite("mini"), options, encoder="whole-numbers")
    path = result.save(tmp_path)
    path.write_text(json.dumps(in_version_1(json.loads(path.read_text()))))
    (path.parent / "whole-numbers.bf16.runs").rename(path.parent / "whole-numbers.runs")
    return path, result


def test_a_result_of_version_1_is_rewritten_with_its_ranks(here: Cli, exact: tuple[Path, Result]) -> None:
    path, result = exact
    done = here("results", "migrate", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}: rewritten in schema version 2\n", "")
    assert json.loads(path.read_text())["schema_version"] == 2
    migrated = Result.read(path)
    assert migrated.rows == result.rows
    assert migrated.pools == {"all": ("de", "en")}
    assert migrated.provenance == result.provenance
    assert migrated.query_sets == result.query_sets
    for query_set, expected in result.ranks.by_query_set.items():
        found = migrated.ranks.by_query_set[query_set]
        assert list(found.doc_id) == list(expected.doc_id)
        np.testing.assert_array_equal(found.collection, expected.collection)
        np.testing.assert_array_equal(found.rank_in["all"], expected.rank_in["all"])


def test_a_result_of_version_1_is_rewritten_with_its_runs(here: Cli, with_runs: tuple[Path, Result]) -> None:
    path, result = with_runs
    before = Result.read(path)
    assert before.damaged_runs() == []
    assert {file.parent.name for file in before.run_files.values()} == {"whole-numbers.runs"}
    assert here("results", "migrate", path).returncode == 0
    migrated = Result.read(path)
    assert migrated.damaged_runs() == []
    assert {file.parent.name for file in migrated.run_files.values()} == {"whole-numbers.bf16.runs"}
    assert migrated.run_hashes == before.run_hashes
    assert (migrated.provenance.depth, migrated.provenance.storage) == (1000, "fp16")
    assert migrated.notes == result.notes


def test_several_files_are_migrated_and_a_second_time_nothing_changes(
    here: Cli, exact: tuple[Path, Result], with_runs: tuple[Path, Result]
) -> None:
    paths = (exact[0], with_runs[0])
    assert here("results", "migrate", *paths).stdout.count("rewritten in schema version 2") == 2
    contents = [path.read_bytes() for path in paths]
    again = here("results", "migrate", *paths)
    assert (again.returncode, again.stdout) == (0, "".join(f"{path}: no change\n" for path in paths))
    assert [path.read_bytes() for path in paths] == contents


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"schema_version": 2}', "is not a valid result: suite: Field required"),
        ('{"schema_version": 1}', "is not a valid result: suite: Field required"),
        ('{"schema_version": 99}', "has schema version 99"),
        ("{}", "is not a result of hybrid-bench: it has no schema_version"),
        ("query,AP", "is not JSON"),
        (None, "No such file or directory"),
    ],
)
def test_a_file_that_is_no_result_is_an_error(here: Cli, tmp_path: Path, content: str | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    done = here("results", "migrate", "x.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_a_result_without_its_ranks_is_left_as_it_is(here: Cli, exact: tuple[Path, Result]) -> None:
    path, _ = exact
    content = path.read_bytes()
    path.with_name("tiny.ranks.tsv.gz").unlink()
    done = here("results", "migrate", path)
    assert done.returncode == 2
    assert "cannot read the ranks" in done.stderr
    assert path.read_bytes() == content
