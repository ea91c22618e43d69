"""A result on disk: what was saved is read, and what is not a result is refused with what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hybrid_bench import HybridBenchError, Result
from tests.results import examples


def saved(folder: Path, **fields: Any) -> Path:
    return examples.result(**fields).save(folder)


def edited(path: Path, **fields: Any) -> Path:
    """The file with some fields changed."""
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return path


def test_a_result_and_its_ranks_stand_side_by_side(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert path == tmp_path / "mini" / "tiny.json"
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
    assert list(frame) == ["suite", "setting", "query_language", "pool", "measure", "value", "queries"]
    assert {(row.query_language, row.pool, row.measure): row.value for row in frame.itertuples()} == examples.VALUES


def test_the_matrix_has_query_languages_by_pools() -> None:
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


def test_its_table_names_encoder_suite_and_notes() -> None:
    table = examples.result(notes=("Read [this].",)).table()
    assert table.title == "tiny on mini (sentence, fp32)"
    assert str(table.caption) == r"Read \[this]."
    assert table.row_count == 3


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"cannot read .*nowhere\.json: No such file"):
        Result.read(tmp_path / "nowhere.json")


@pytest.mark.parametrize("cut", [0, 1, 100, -2])
def test_a_truncated_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = saved(tmp_path)
    path.write_text(path.read_text()[:cut])
    with pytest.raises(HybridBenchError, match=r"tiny\.json is not JSON: .*\n  Is it whole\? Evaluate again"):
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
    path = edited(saved(tmp_path), schema_version=2, something="new")
    with pytest.raises(HybridBenchError) as refused:
        Result.read(path)
    assert refused.value.problem == f"{path} has schema version 2; this version of hybrid-bench reads up to 1"
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
        ({"schema_version": 0}, "schema_version: Input should be 1"),
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
    with pytest.raises(HybridBenchError, match=r"the result of tiny on mini has no ranks\n  Evaluate it again"):
        _ = Result.read(edited(path, ranks_file=None)).ranks
    assert len(Result.read(path).rows) == len(examples.VALUES)
