"""Results of schema version 1: read, converted and rewritten."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import HybridBenchError, Result, Setting
from hybrid_bench.results.migration import migrate
from tests.results import examples

RUNS = {
    "de:de": "q1 Q0 de-0001 1 0.5 tiny\nq2 Q0 de-0002 1 0.25 tiny\n",
    "en:all": "q1 Q0 en-0001 1 0.5 tiny\nq1 Q0 de-0001 2 0.25 tiny\n",
}


def written(folder: Path, **fields: Any) -> Path:
    """A file of schema version 1 without ranks and runs."""
    path = folder / "tiny.json"
    path.write_text(json.dumps(examples.schema_1(**fields)))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_result_of_schema_1_is_read_as_the_same_result_of_today(tmp_path: Path) -> None:
    path = examples.write_schema_1(tmp_path, "tiny")
    found, today = Result.read(path), examples.result(notes=("Read this.",))
    assert found.model_dump(exclude={"ranks_file"}) == today.model_dump(exclude={"ranks_file"})
    assert found.ranks.to_bytes() == examples.ranks().to_bytes()
    assert found.settings == today.settings
    assert found.groups("language") == {"de": "de", "en": "en", "th": "th"}
    assert found.schema_version == 2


def test_scores_stay_as_they_are_and_their_query_language_is_the_query_set(tmp_path: Path) -> None:
    frame = Result.read(written(tmp_path)).scores
    assert list(frame) == ["suite", "setting", "query_set", "pool", "measure", "value", "queries"]
    assert {(row.query_set, row.pool, row.measure): row.value for row in frame.itertuples()} == examples.VALUES


@pytest.mark.parametrize(
    ("depth", "expected"), [("1000 passages a query", 1000), ("7 passages a query", 7), ("the whole pool", None), (None, None)]
)
def test_the_depth_is_a_number(tmp_path: Path, depth: str | None, expected: int | None) -> None:
    fields = examples.schema_1()
    fields["provenance"] = {key: value for key, value in fields["provenance"].items() if key != "depth"}
    fields["provenance"] |= {"depth": depth} if depth else {}
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(fields))
    assert Result.read(path).provenance.depth == expected


@pytest.mark.parametrize("storage", ["fp16", "fp32"])
def test_the_note_on_storage_is_a_field_and_other_notes_stay(tmp_path: Path, storage: str) -> None:
    notes = ["Before.", f"Passage vectors are stored in {storage}; queries are not rounded.", "After."]
    found = Result.read(written(tmp_path, notes=notes))
    assert (found.provenance.storage, found.notes) == (storage, ("Before.", "After."))
    assert Result.read(written(tmp_path, notes=notes[:1])).provenance.storage is None


def test_a_suite_without_a_pool_of_all_has_no_pool(tmp_path: Path) -> None:
    rows = [row for row in examples.schema_1()["rows"] if row["pool"] != "all"]
    assert Result.read(written(tmp_path, rows=rows)).pools == {}
    assert Result.read(written(tmp_path)).pools == {"all": ("de", "en", "th")}


def test_an_entry_that_is_a_pool_itself_is_a_collection_without_a_language(tmp_path: Path) -> None:
    """``xquad-r/all/en`` of ir_datasets was one collection named ``all``."""
    rows = [row for row in examples.schema_1()["rows"] if (row["query_language"], row["pool"]) == ("en", "all")]
    found = Result.read(written(tmp_path, rows=rows, provenance={"passages": {"all": "1" * 64}, "queries": {"en": "2" * 64}}))
    assert (found.pools, found.groups("language")) == ({}, {"all": None})
    assert found.settings == (Setting("en", "all", "multilingual"),)


def test_an_undetermined_language_is_no_language(tmp_path: Path) -> None:
    row = examples.schema_1()["rows"][0] | {"query_language": "und", "pool": "und"}
    passages = {"passages": {"und": "1" * 64}, "queries": {"und": "2" * 64}}
    found = Result.read(written(tmp_path, rows=[row], provenance=passages))
    assert (found.query_sets["und"].language, found.collections["und"].language) == (None, None)


def test_runs_are_records(tmp_path: Path) -> None:
    found = Result.read(examples.write_schema_1(tmp_path, "tiny", RUNS))
    folder = tmp_path / "tiny.runs"
    german, english = Setting("de", "de", "monolingual"), Setting("en", "all", "multilingual")
    assert found.run_files == {german: folder / "de-de.trec.gz", english: folder / "en-all.trec.gz"}
    assert [(run.query_set, run.pool, run.file) for run in found.runs] == [
        ("de", "de", "de-de.trec.gz"),
        ("en", "all", "en-all.trec.gz"),
    ]
    assert found.damaged_runs() == []
    (folder / "en-all.trec.gz").write_bytes(gzip.compress(b"q1 Q0 en-0001 1 0.75 tiny\n"))
    assert found.damaged_runs() == [english]


def test_migrating_rewrites_the_result_its_ranks_and_nothing_else(tmp_path: Path) -> None:
    path = examples.write_schema_1(tmp_path, "tiny", RUNS)
    before = contents(tmp_path)
    read = Result.read(path)
    assert read.ranks.to_bytes() == examples.ranks().to_bytes()
    assert contents(tmp_path) == before, "reading writes nothing"
    assert migrate(path)
    after = contents(tmp_path)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"tiny.json", "tiny.ranks.tsv.gz"}
    assert after["tiny.ranks.tsv.gz"] == examples.ranks().to_bytes()
    fields = json.loads(after["tiny.json"])
    assert fields["schema_version"] == 2
    found = Result.read(path)
    assert found.model_dump(exclude={"ranks_file"}) == read.model_dump(exclude={"ranks_file"})
    assert found.ranks.to_bytes() == read.ranks.to_bytes()
    assert found.damaged_runs() == []
    assert len(found.run_files) == 2


@pytest.mark.parametrize("stem", ["tiny", "tiny.bf16"])
def test_migrating_twice_changes_nothing(tmp_path: Path, stem: str) -> None:
    dtype = "bf16" if "bf16" in stem else "fp32"
    path = examples.write_schema_1(tmp_path, stem, RUNS, provenance={"dtype": dtype})
    assert migrate(path)
    once = contents(tmp_path)
    assert not migrate(path)
    assert contents(tmp_path) == once


def test_a_result_of_today_is_left_as_it_is(tmp_path: Path) -> None:
    path = examples.result().save(tmp_path)
    before = contents(tmp_path)
    assert not migrate(path)
    assert contents(tmp_path) == before


def test_the_runs_of_a_bf16_result_are_found_where_schema_1_kept_them_and_moved(tmp_path: Path) -> None:
    path = examples.write_schema_1(tmp_path, "tiny.bf16", RUNS, provenance={"dtype": "bf16"})
    before = Result.read(path)
    assert {file.parent.name for file in before.run_files.values()} == {"tiny.runs"}
    assert before.damaged_runs() == []
    migrate(path)
    after = Result.read(path)
    assert {file.parent.name for file in after.run_files.values()} == {"tiny.bf16.runs"}
    assert (after.damaged_runs(), len(after.run_files)) == ([], 2)
    assert not (tmp_path / "tiny.runs").exists()


def test_runs_of_another_result_are_not_moved(tmp_path: Path) -> None:
    """In schema version 1 fp32 and bf16 shared a folder: it holds the runs of the evaluation that came last."""
    half = examples.write_schema_1(tmp_path, "tiny.bf16", RUNS, provenance={"dtype": "bf16"})
    single = examples.write_schema_1(tmp_path, "tiny", {pair: text.replace("0.5", "0.75") for pair, text in RUNS.items()})
    assert Result.read(single).damaged_runs() == []
    migrate(half)
    assert not (tmp_path / "tiny.bf16.runs").exists()
    assert Result.read(single).damaged_runs() == []
    assert len(Result.read(half).damaged_runs()) == 2
    migrate(single)
    assert Result.read(single).damaged_runs() == []


@pytest.mark.parametrize("step", range(4))
def test_a_migration_that_was_interrupted_is_repeated(tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before the step-th change of a file, the ranks and the runs are still those of the result, or become it."""
    done, plain = examples.write_schema_1(tmp_path / "done", "tiny.bf16", RUNS, provenance={"dtype": "bf16"}), Path.replace
    migrate(done)
    path = examples.write_schema_1(tmp_path / "stopped", "tiny.bf16", RUNS, provenance={"dtype": "bf16"})
    renames = iter(range(4))

    def stopped(self: Path, target: Path) -> Path:
        if next(renames) == step:
            raise KeyboardInterrupt
        return plain(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        patch.setattr(Path, "rename", stopped)
        with pytest.raises(KeyboardInterrupt):
            migrate(path)
    assert migrate(path)
    assert contents(path.parent) == contents(done.parent)
    assert not migrate(path)


def test_a_result_without_ranks_is_migrated_too(tmp_path: Path) -> None:
    path = written(tmp_path, provenance={"depth": "1000 passages a query"})
    assert migrate(path)
    found = Result.read(path)
    assert (found.has_ranks, found.provenance.depth) == (False, 1000)
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.json"]


def test_a_result_whose_ranks_are_lost_is_not_migrated(tmp_path: Path) -> None:
    path = examples.write_schema_1(tmp_path, "tiny")
    (tmp_path / "tiny.ranks.tsv.gz").unlink()
    before = contents(tmp_path)
    with pytest.raises(HybridBenchError, match=r"cannot read the ranks .*tiny\.ranks\.tsv\.gz"):
        migrate(path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"rows": None}, "'NoneType' object is not iterable"),
        ({"rows": [{}]}, "pool: Field required"),
        ({"provenance": {"depth": 1000}}, "expected string"),
        ({"provenance": {"passages": None}}, "'NoneType' object is not iterable"),
        ({"notes": [1]}, "expected string"),
        ({"runs": {"de": "0"}}, "runs.0.sha256: String should match"),
        ({"runs": ["de:de"]}, "has no attribute 'items'"),
        ({"comment": "mine"}, "comment: Extra inputs are not permitted"),
    ],
)
def test_a_malformed_field_is_named(tmp_path: Path, fields: dict[str, Any], problem: str) -> None:
    path = written(tmp_path, **fields)
    with pytest.raises(HybridBenchError) as refused:
        Result.read(path)
    assert f"{path} is not a valid result: " in refused.value.problem
    assert problem in refused.value.problem


@pytest.mark.parametrize("name", ["suite", "encoder", "primary", "provenance", "rows"])
def test_a_missing_field_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps({key: value for key, value in examples.schema_1().items() if key != name}))
    with pytest.raises(HybridBenchError, match=f"tiny.json is not a valid result: {name}: Field required"):
        Result.read(path)


def broken() -> Iterator[dict[str, Any]]:
    """Files of schema version 1 in which one field is missing or of another type."""
    whole = examples.schema_1(runs={"de:de": "0" * 64})
    places: list[tuple[str | int, ...]] = [(key,) for key in whole if key != "schema_version"]
    places += [("provenance", key) for key in whole["provenance"]]
    places += [("rows", 0), *(("rows", 0, key) for key in whole["rows"][0]), ("runs", "de:de"), ("encoder", "name")]
    for *outer, last in places:
        for junk in (None, 3, "x", [], {}, [1], {"a": 1}, [[]], True, ...):
            fields = copy.deepcopy(whole)
            inside: Any = fields
            for key in outer:
                inside = inside[key]
            if junk is ...:
                del inside[last]
            else:
                inside[last] = junk
            yield fields


def test_no_broken_file_is_another_error_than_the_user_s(tmp_path: Path) -> None:
    path = tmp_path / "tiny.json"
    refused = 0
    for fields in broken():
        path.write_text(json.dumps(fields))
        try:
            result = Result.read(path)
            assert result.name
        except HybridBenchError as error:
            refused += 1
            assert str(path) in error.problem
    assert refused > 150
