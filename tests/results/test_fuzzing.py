"""Mutations of runs, ranks and results: an error that says what is wrong, or what was there; no other exception."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import HybridBenchError, Result
from hybrid_bench.results import runs, tables, terminal
from hybrid_bench.results.migration import migrate
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.runs import Hit
from tests.mutations import mutated
from tests.results import examples

MUTATIONS = 2000
RUN = {"q1": [Hit("d1", 2.5), Hit("é2", 0.5)], "q2": [Hit("d1", 1e-9)]}


def attempt(read: Callable[[], Any]) -> bool:
    """Whether a file was read; otherwise it must be refused in one line that names the problem."""
    try:
        read()
    except HybridBenchError as refused:
        assert refused.problem
        assert "\n" not in refused.problem
        return False
    return True


def read_run(path: Path) -> None:
    for hits in runs.read(path, []).values():
        assert hits == runs.canonical(hits)
        assert all(hit.doc_id.split() == [hit.doc_id] for hit in hits)


@pytest.mark.parametrize("packed", [False, True])
def test_runs(tmp_path: Path, packed: bool) -> None:
    path, draw = tmp_path / "en-de.trec.gz", random.Random(25)
    runs.write(RUN, path, "tag")
    content = path.read_bytes() if packed else gzip.decompress(path.read_bytes())
    accepted = 0
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(content, draw))
        runs.digest(path)
        runs.identity_of(path)
        accepted += attempt(lambda: read_run(path))
    assert packed or 50 < accepted < MUTATIONS - 50


def use(path: Path) -> None:
    """What commands do with a result."""
    result = Result.read(path)
    for frame in (tables.by_query_set(result), tables.summary(result), result.matrix(), result.scores):
        terminal.rich_tables(frame, 80)
        tables.render(frame, "latex").encode()
        tables.render(frame, "json").encode()
    assert result.identity
    result.damaged_runs()
    result.to_json().encode()
    migrate(path)
    if result.ranks_file is not None:
        _ = result.ranks


@pytest.mark.parametrize("version", [1, 2])
def test_results(tmp_path: Path, version: int) -> None:
    draw = random.Random(31)
    path = examples.result().save(tmp_path) if version == 2 else examples.write_schema_1(tmp_path, "tiny")
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    accepted = 0
    for _ in range(MUTATIONS):
        for file, content in before.items():
            file.write_bytes(content)
        path.write_bytes(mutated(before[path], draw))
        # Reading is the point: tables are made of some of those that are read.
        if attempt(lambda: Result.read(path)):
            accepted += 1
            attempt(lambda: use(path))
    assert 20 < accepted < MUTATIONS - 200


def test_ranks(tmp_path: Path) -> None:
    path, draw = tmp_path / "tiny.ranks.tsv.gz", random.Random(14)
    text, accepted = gzip.decompress(examples.ranks().to_bytes()), 0
    for _ in range(MUTATIONS):
        content = gzip.compress(mutated(text, draw), 1)
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        accepted += attempt(lambda sha256=sha256: Ranks.read(path, sha256).to_bytes())  # type: ignore[misc]
    assert 20 < accepted < MUTATIONS - 200


@pytest.mark.parametrize("depth", [10, 1_000, 100_000])
@pytest.mark.parametrize("where", ["encoder", "notes", "rows"])
def test_a_result_that_is_nested_deeply_is_refused(tmp_path: Path, depth: int, where: str) -> None:
    path = examples.result().save(tmp_path)
    fields = json.loads(path.read_text()) | {where: "here"}
    path.write_text(json.dumps(fields).replace('"here"', '{"name": "x", "y": ' + "[" * depth + "]" * depth + "}"))
    assert attempt(lambda: use(path)) == ((where, depth) == ("encoder", 10))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"encoder": {"name": ""}}, "encoder: Value error, its name is empty"),
        ({"encoder": {"name": ".."}}, "encoder: Value error, its name is empty"),
        ({"encoder": {"name": "a\nb"}}, "encoder: Value error, its name is empty, or has characters"),
        ({"encoder": {"name": "x" * 161}}, "encoder: Value error, its name is longer than 160 bytes"),
        ({"suite": "\x1b[31m"}, "suite: Value error, its name is empty, or has characters"),
        ({"suite": ".."}, "suite: Value error, its name is empty"),
        ({"primary": "MAP"}, "result: Value error, no score is of its primary measure 'MAP'"),
        ({"rows": []}, "result: Value error, no score is of its primary measure 'AP'"),
        ({"variant": "../x"}, "variant: String should match"),
        ({"ranks_file": {"file": "a\0.ranks.tsv.gz", "sha256": "0" * 64}}, "ranks_file.file: String should match"),
        ({"collections": {"a\nb": 1}}, r"'collections.a\nb': Input should be"),
        ({"schema_version": True}, "it has no schema_version"),
        ({"suite": "\ud800"}, "is not JSON, or has texts or nesting that no result has"),
    ],
)
def test_a_result_that_was_edited_by_hand_is_refused_in_a_line(tmp_path: Path, fields: dict[str, Any], problem: str) -> None:
    path = examples.result().save(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    with pytest.raises(HybridBenchError) as refused:
        Result.read(path)
    assert problem in refused.value.problem
    assert "\n" not in refused.value.problem


def test_two_scores_of_one_measure_and_two_kinds_of_one_setting_are_refused(tmp_path: Path) -> None:
    path = examples.result().save(tmp_path)
    fields = json.loads(path.read_text())
    for more, problem in (
        ({"value": 0.9}, "two scores are of 'AP' in 'de' on 'de'"),
        ({"measure": "RR", "setting": "cross-lingual"}, "a query set on a pool has two kinds of setting"),
    ):
        path.write_text(json.dumps(fields | {"rows": [*fields["rows"], fields["rows"][0] | more]}))
        with pytest.raises(HybridBenchError, match=f"is not a valid result: result: Value error, {problem}"):
            Result.read(path)


def test_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    path = examples.result(encoder={"name": "[/red]"}, values={("[/]", "[bold]", "AP"): 0.5, ("[/]", "de", "[/x]"): 0.5}).save(
        tmp_path
    )
    result = Result.read(path)
    for frame in (tables.by_query_set(result), tables.summary(result), result.matrix("[/x]"), result.scores):
        assert all(table.row_count for table in terminal.rich_tables(frame, 80))
    assert r"| a\|b |" in tables.render(tables.listing(("name", "from"), [("a|b", "x")]), "markdown")
