"""A result on disk: what was saved is read, and a file that is not a result is refused with a remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hybrid_bench import HybridBenchError, Result, Setting
from hybrid_bench.results import runs as trec
from hybrid_bench.results.files import file_stem, suite_folder
from hybrid_bench.results.parts import Attributes, RunFile
from hybrid_bench.results.runs import Hit
from tests.results import examples


def saved(folder: Path, **fields: Any) -> Path:
    return examples.result(**fields).save(folder)


def edited(path: Path, **fields: Any) -> Path:
    """The file with some fields changed."""
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return path


def test_a_result_and_its_ranks_are_side_by_side(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert path == tmp_path / "mini" / "tiny.json"
    assert sorted(file.name for file in path.parent.iterdir()) == ["tiny.json", "tiny.ranks.tsv.gz"]


def test_a_result_that_cannot_be_written_leaves_the_ranks_as_they_were(tmp_path: Path) -> None:
    path = examples.result().save(tmp_path)
    ranks = path.with_name("tiny.ranks.tsv.gz")
    ranks.write_bytes(b"of another result")
    path.unlink()
    path.mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError, match=r"tiny\.json"):
        examples.result().save(tmp_path, overwrite=True)
    assert ranks.read_bytes() == b"of another result"
    assert sorted(file.name for file in path.parent.iterdir()) == ["tiny.json", "tiny.ranks.tsv.gz"]


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    original = examples.result(notes=("Zwei Sprachen, 两种语言.",))
    found = Result.read(original.save(tmp_path))
    assert found.model_dump() == original.model_dump()
    assert found.ranks.to_bytes() == original.ranks.to_bytes()
    pd.testing.assert_frame_equal(found.scores, original.scores)
    assert found.to_json() == original.to_json()


def test_the_same_result_has_the_same_bytes(tmp_path: Path) -> None:
    once, again = saved(tmp_path / "once"), saved(tmp_path / "again")
    assert once.read_bytes() == again.read_bytes()
    assert saved(tmp_path / "once").read_bytes() == again.read_bytes()
    assert (once.parent / "tiny.ranks.tsv.gz").read_bytes() == (again.parent / "tiny.ranks.tsv.gz").read_bytes()


def test_timings_are_the_last_line_of_their_own(tmp_path: Path) -> None:
    fast, slow = saved(tmp_path / "fast", timings={"encode": 1.0}), saved(tmp_path / "slow", timings={"encode": 99.0})
    differing = [
        line for line in zip(fast.read_text().splitlines(), slow.read_text().splitlines(), strict=True) if line[0] != line[1]
    ]
    assert differing == [(' "timings": {"encode": 1.0}', ' "timings": {"encode": 99.0}')]


def test_a_score_is_a_line(tmp_path: Path) -> None:
    lines = [line.strip(" ,") for line in saved(tmp_path).read_text().splitlines()]
    for row in examples.result().rows:
        assert json.dumps(row.model_dump()) in lines


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "mini/tiny.json"),
        ({"encoder": {"name": "org/model"}}, "mini/org__model.json"),
        ({"suite": "xquad-r/de/en"}, "xquad-r__de__en/tiny.json"),
        ({"provenance": {"passage_text": "sentence+context"}}, "mini/tiny.sentence+context.json"),
        ({"provenance": {"dtype": "bf16"}}, "mini/tiny.bf16.json"),
    ],
)
def test_what_was_chosen_other_than_by_default_is_in_the_name(tmp_path: Path, fields: dict[str, Any], expected: str) -> None:
    path = saved(tmp_path, **fields)
    assert path == tmp_path / expected
    assert Result.read(path).ranks.query_ids("en", "en") == ["q1"]


def test_scores_are_a_long_frame() -> None:
    frame = examples.result().scores
    assert list(frame) == ["suite", "setting", "query_set", "pool", "measure", "value", "queries"]
    assert {(row.query_set, row.pool, row.measure): row.value for row in frame.itertuples()} == examples.VALUES


def test_the_matrix_has_query_sets_by_pools() -> None:
    matrix = examples.result().matrix()
    assert matrix.loc["de"].to_dict() == {"all": 0.0625, "de": 0.5, "en": 0.25, "th": 0.125}
    assert matrix.loc["en"].to_dict() == {"all": 0.5, "de": 0.375, "en": 0.75, "th": 0.25}
    assert list(matrix.index) == ["de", "en"]
    first_ranks = examples.result().matrix("R@1")
    assert (first_ranks.loc["de", "de"], first_ranks.loc["en", "en"]) == (0, 1)
    assert np.isnan(first_ranks.loc["de", "en"])


def test_a_matrix_of_a_measure_that_is_not_there_is_refused() -> None:
    with pytest.raises(HybridBenchError, match=r"has no measure 'nDCG@10'\n  It has: AP, R@1, RankDistance, SameLanguage@20"):
        examples.result().matrix("nDCG@10")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"cannot read .*nowhere\.json: No such file"):
        Result.read(tmp_path / "nowhere.json")


@pytest.mark.parametrize("cut", [0, 1, 100, -2])
def test_a_truncated_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = saved(tmp_path)
    path.write_text(path.read_text()[:cut])
    with pytest.raises(HybridBenchError, match=r"tiny\.json is not JSON, or .*\n  It may be truncated; run the evaluation again"):
        Result.read(path)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HybridBenchError, match=r"x\.json is not JSON"):
        Result.read(path)


@pytest.mark.parametrize("content", ["[]", "{}", '"result"', '{"schema_version": "1"}', "null"])
def test_other_json_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(HybridBenchError, match="is not a result of hybrid-bench: it has no schema_version"):
        Result.read(path)


def test_a_newer_schema_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    path = edited(saved(tmp_path), schema_version=3, something="new")
    with pytest.raises(HybridBenchError) as refused:
        Result.read(path)
    assert refused.value.problem == f"{path} has schema version 3; this version of hybrid-bench reads up to 2"
    assert refused.value.remedy == "Run: python -m pip install --upgrade hybrid-bench"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"comment": "mine"}, "comment: Extra inputs are not permitted"),
        ({"provenance": {}}, "provenance.command: Field required"),
        ({"rows": [{"suite": "mini"}]}, "rows.0.setting: Field required"),
        ({"suite": None}, "suite: Input should be a valid string"),
        ({"ranks_file": {"file": "../tiny.ranks.tsv.gz", "sha256": "0" * 64}}, "ranks_file.file: String should match"),
        ({"ranks_file": {"file": "tiny.ranks.tsv.gz", "sha256": "0"}}, "ranks_file.sha256: String should match"),
        ({"encoder": {}}, "encoder: Value error, its name is missing or not a text"),
        ({"encoder": {"name": 3}}, "encoder: Value error, its name is missing or not a text"),
        ({"collections": {"de": {"language": "de", "colour": "red"}}}, "collections.de.colour: Extra inputs are not permitted"),
        ({"collections": {"de": {"modality": "sound"}}}, "collections.de.modality: Input should be 'text' or 'image'"),
        (
            {"runs": [{"query_set": "de", "pool": "de", "file": "../de.trec.gz", "sha256": "0" * 64}]},
            "runs.0.file: String should",
        ),
        ({"runs": [{"query_set": "de", "pool": "de", "file": "de.trec.gz", "sha256": "0"}]}, "runs.0.sha256: String should"),
        ({"schema_version": 0}, "schema_version: Input should be 2"),
    ],
)
def test_a_field_that_is_unknown_missing_or_wrong_is_named(tmp_path: Path, fields: dict[str, Any], where: str) -> None:
    path = edited(saved(tmp_path), **fields)
    with pytest.raises(HybridBenchError) as refused:
        Result.read(path)
    assert f"{path} is not a valid result: {where}" in str(refused.value)


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ({"value": float("nan")}, "rows.0.value: Input should be a finite number"),
        ({"queries": 0}, "rows.0.queries: Input should be greater than or equal to 1"),
        ({"setting": "bilingual"}, "rows.0.setting: Input should be 'monolingual'"),
        ({"p": 1}, "rows.0.p: Extra inputs are not permitted"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path: Path, row: dict[str, Any], where: str) -> None:
    path = saved(tmp_path)
    first, *others = json.loads(path.read_text())["rows"]
    with pytest.raises(HybridBenchError) as refused:
        Result.read(edited(path, rows=[first | row, *others]))
    assert where in str(refused.value)


def test_ranks_that_are_missing_changed_or_unnamed_are_refused_when_they_are_read(tmp_path: Path) -> None:
    path = saved(tmp_path)
    ranks = path.with_name("tiny.ranks.tsv.gz")
    ranks.write_bytes(examples.ranks(first=5).to_bytes())
    with pytest.raises(HybridBenchError, match="is not the file that its result names"):
        _ = Result.read(path).ranks
    ranks.unlink()
    with pytest.raises(HybridBenchError, match=r"cannot read the ranks .*tiny\.ranks\.tsv\.gz"):
        _ = Result.read(path).ranks
    with pytest.raises(HybridBenchError, match=r"the result of tiny on mini has no ranks\n  Run the evaluation again"):
        _ = Result.read(edited(path, ranks_file=None)).ranks
    assert len(Result.read(path).rows) == len(examples.VALUES)


def test_the_attributes_of_query_sets_and_collections_are_kept(tmp_path: Path) -> None:
    original = examples.result(
        query_sets={"captions": Attributes(language="en"), "photos": Attributes(modality="image")},
        collections={"law": Attributes(language="en", domain="law"), "web": Attributes(domain="web"), "rest": Attributes()},
        pools={"all": ("law", "web", "rest")},
    )
    path = original.save(tmp_path)
    fields = json.loads(path.read_text())
    assert fields["collections"] == {
        "law": {"language": "en", "domain": "law", "modality": "text"},
        "web": {"domain": "web", "modality": "text"},
        "rest": {"modality": "text"},
    }
    found = Result.read(path)
    assert (found.query_sets, found.collections, found.pools) == (original.query_sets, original.collections, original.pools)
    assert found.groups("language") == {"law": "en", "web": None, "rest": None}
    assert found.groups("domain") == {"law": "law", "web": "web", "rest": None}


def test_settings_are_those_of_the_rows_in_their_order() -> None:
    assert [setting.name for setting in examples.result().settings] == [
        "de:de", "de:en", "de:th", "de:all", "en:de", "en:en", "en:th", "en:all",
    ]  # fmt: skip
    assert examples.result().settings[3] == Setting("de", "all", "multilingual")


def test_depth_and_storage_are_data(tmp_path: Path) -> None:
    for depth, storage in ((None, None), (1000, "fp16")):
        path = saved(tmp_path, provenance={"depth": depth, "storage": storage})
        provenance = json.loads(path.read_text())["provenance"]
        assert (provenance["depth"], provenance["storage"]) == (depth, storage)
        assert (Result.read(path).provenance.depth, Result.read(path).provenance.storage) == (depth, storage)
    for bad in ({"depth": 0}, {"depth": "1000 passages a query"}, {"storage": "int8"}):
        with pytest.raises(HybridBenchError, match=f"provenance.{next(iter(bad))}: "):
            Result.read(edited(path, provenance=provenance | bad))


@pytest.mark.parametrize(
    ("name", "passage_text", "dtype", "stem"),
    [
        ("tiny", "sentence", "fp32", "tiny"),
        ("org/model", "sentence", "fp32", "org__model"),
        ("tiny", "sentence", "bf16", "tiny.bf16"),
        ("org/model", "sentence+context", "fp16", "org__model.sentence+context.fp16"),
    ],
)
def test_a_result_and_its_runs_have_the_same_stem(tmp_path: Path, name: str, passage_text: str, dtype: str, stem: str) -> None:
    assert file_stem(name, passage_text, dtype) == stem
    folder = suite_folder(tmp_path, "xquad-r/de/en") / f"{stem}.runs"
    assert folder == tmp_path / "xquad-r__de__en" / f"{stem}.runs"
    sha256 = trec.write({"q": [Hit("d", 1.0)]}, folder / "de-all.trec.gz", name)
    run = RunFile(query_set="de", pool="all", file="de-all.trec.gz", sha256=sha256)
    provenance = {"passage_text": passage_text, "dtype": dtype}
    path = saved(tmp_path, suite="xquad-r/de/en", encoder={"name": name}, provenance=provenance, runs=(run,))
    assert path == folder.with_name(f"{stem}.json")
    found = Result.read(path)
    setting = Setting("de", "all", "multilingual")
    assert found.run_files == {setting: folder / "de-all.trec.gz"}
    assert found.run_hashes == {setting: sha256}
    assert found.damaged_runs() == []


@pytest.mark.parametrize("damage", ["missing", "truncated", "another"])
def test_runs_that_are_missing_truncated_or_another_are_named_by_their_setting(tmp_path: Path, damage: str) -> None:
    folder = suite_folder(tmp_path, "mini") / "tiny.runs"
    runs = []
    for query_set in ("de", "en"):
        file = trec.file_name(query_set, "all")
        sha256 = trec.write({"q": [Hit("d", 1.0)]}, folder / file, query_set)
        runs.append(RunFile(query_set=query_set, pool="all", file=file, sha256=sha256))
    path = saved(tmp_path, runs=tuple(runs))
    assert Result.read(path).damaged_runs() == []
    english = folder / "en-all.trec.gz"
    if damage == "missing":
        english.unlink()
    elif damage == "truncated":
        english.write_bytes(english.read_bytes()[:-6])
    else:
        trec.write({"q": [Hit("d", 2.0)]}, english, "en")
    assert Result.read(path).damaged_runs() == [Setting("en", "all", "multilingual")]


def test_runs_are_lines_and_a_result_without_runs_has_none(tmp_path: Path) -> None:
    run = RunFile(query_set="zh-hans", pool="all", file="zh-hans--all.trec.gz", sha256="0" * 64)
    path = saved(tmp_path, runs=(run,))
    assert json.dumps(run.model_dump()) in [line.strip(" ,") for line in path.read_text().splitlines()]
    assert '"runs"' not in saved(tmp_path / "without").read_text()
    assert Result.read(tmp_path / "without" / "mini" / "tiny.json").run_files == {}
    assert examples.result(runs=(run,)).run_files == {}, "a result that was not read has no folder"


def test_ranks_in_memory_alone_are_not_written(tmp_path: Path) -> None:
    held = examples.result().model_copy(update={"ranks_file": None}).holding(examples.ranks())
    assert held.has_ranks
    assert held.ranks.to_bytes() == examples.ranks().to_bytes()
    path = held.save(tmp_path)
    assert [file.name for file in path.parent.iterdir()] == ["tiny.json"]
    assert not Result.read(path).has_ranks
