"""Runs of other programs: scored alone with ``evaluate --run``, and fused, whatever form they are in."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import ir_measures
import pytest
from ir_measures import AP, nDCG

from hybrid_bench import Result
from tests.conftest import Cli

RUN = [("q1", "d1", 2.5), ("q1", "d6", 2.0), ("q1", "d2", 0.5), ("q2", "d4", 3.0), ("q2", "d2", 1.0), ("q3", "d3", 1.5)]
QRELS = [("q1", "d1", 2), ("q1", "d6", 1), ("q2", "d2", 1), ("q3", "d5", 1)]


def lines(form: str) -> str:
    """The run as several programs write it."""
    ranks = [str([q for q, _, _ in RUN[:at]].count(query) + 1) for at, (query, _, _) in enumerate(RUN)]
    rows = [f"{query} Q0 {doc} {rank} {score} t" for (query, doc, score), rank in zip(RUN, ranks, strict=True)]
    if form == "rank 0":
        rows = [f"{query} Q0 {doc} 0 {score} t" for query, doc, score in RUN]
    if form == "no tag":
        rows = [row.removesuffix(" t") for row in rows]
    if form == "unsorted":
        rows = rows[::-1]
    if form == "blank":
        rows += [""]
    return "\ufeff" * (form == "byte order mark") + "\n".join(rows) + "\n"


FORMS = ("plain", "rank 0", "no tag", "unsorted", "blank", "byte order mark")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A folder of a small collection, with a run beside it."""
    folder = tmp_path / "plain"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": f"d{n}", "title": "", "text": f"text {n}"} for n in range(1, 7)]
    queries = [{"_id": f"q{n}", "text": f"query {n}"} for n in range(1, 4)]
    for name, records in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    rows = "".join(f"{query}\t{doc}\t{grade}\n" for query, doc, grade in QRELS)
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}")
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_a_run_alone_is_scored_as_by_ir_measures(here: Cli, tmp_path: Path, plain: Path, form: str) -> None:
    (tmp_path / "mine.trec").write_text(lines(form), encoding="utf-8")
    done = here("evaluate", "--run", "mine.trec", "--suite", "plain", "--measures", "AP nDCG@10 AP@2")
    assert done.returncode == 0, done.stderr
    result = Result.read(tmp_path / "results" / "plain" / "mine.json")
    run: dict[str, dict[str, float]] = {}
    for query, doc, score in RUN:
        run.setdefault(query, {})[doc] = score
    qrels: dict[str, dict[str, int]] = {}
    for query, doc, grade in QRELS:
        qrels.setdefault(query, {})[doc] = grade
    expected = ir_measures.calc_aggregate([AP, nDCG @ 10, AP @ 2], qrels, run)
    assert {row.measure: row.value for row in result.rows} == pytest.approx({str(m): v for m, v in expected.items()})
    assert result.rows[0].queries == 3
    noted = [note for note in result.notes if note.startswith("The run mine.trec: ")]
    assert len(noted) == (form in ("rank 0", "no tag", "unsorted", "blank")) + (form == "unsorted")
    assert all(f"note: {note}" in done.stderr for note in noted)
    assert (result.provenance.depth, result.name, result.damaged_runs()) == (3, "mine", [])

    again = here(*shlex.split(result.provenance.command)[1:])
    assert "mine.json is up to date" in again.stderr
    if form == "plain":
        assert here("reproduce", "results/plain/mine.json").stdout.startswith("the same: 3 scores")


def test_another_run_of_the_same_name_has_its_own_result(here: Cli, tmp_path: Path, plain: Path) -> None:
    (tmp_path / "mine.trec").write_text(lines("plain"))
    assert here("evaluate", "--run", "mine.trec", "--suite", "plain").returncode == 0
    (tmp_path / "mine.trec").write_text(lines("plain").replace("2.5", "1.5"))
    assert here("evaluate", "--run", "mine.trec", "--suite", "plain").returncode == 0
    assert here("evaluate", "--run", "mine.trec", "--suite", "plain", "--name", "second").returncode == 0
    assert len(list((tmp_path / "results" / "plain").glob("mine*.json"))) == 2
    assert Result.read(tmp_path / "results" / "plain" / "second.json").name == "second"


def test_a_folder_of_exported_runs_is_scored_as_the_runs_that_were_exported(here: Cli, tmp_path: Path) -> None:
    of_mini = ("--suite", "mini", "--languages", "de,en")
    assert here("evaluate", "tiny", *of_mini, "--runs", "runs", "--run-settings", "en:de,en:all").returncode == 0
    runs = next(path.parent for path in (tmp_path / "runs").rglob("*.trec.gz"))
    assert here("runs", "export", str(runs), "plain").returncode == 0
    for folder in (str(runs), "plain"):
        assert here("evaluate", "--run", folder, *of_mini, "--name", Path(folder).name, "--out", "scored").returncode == 0
    packed, plain = (next((tmp_path / "scored").rglob(f"{name}.json")) for name in (runs.name, "plain"))
    assert Result.read(packed).rows == Result.read(plain).rows != []
    (tmp_path / "plain" / "en-de.trec.gz").write_bytes((runs / "en-de.trec.gz").read_bytes())
    done = here("evaluate", "--run", "plain", *of_mini)
    assert done.returncode == 2
    assert "are runs of the same setting" in done.stderr


@pytest.mark.parametrize("form", FORMS[1:])
def test_runs_in_other_forms_are_fused(here: Cli, tmp_path: Path, plain: Path, form: str) -> None:
    for name, content in (("one", "plain"), ("other", form)):
        (tmp_path / f"{name}.trec").write_text(lines(content), encoding="utf-8")
    fuse = ("fuse", "one.trec", "other.trec", "--method", "interpolation")
    assert here(*fuse, "--suite", "plain", "--name", "both").returncode == 0
    result = Result.read(tmp_path / "results" / "plain" / "both.json")
    assert any("The run other.trec: " in note for note in result.notes) == (form != "byte order mark")
    assert here("evaluate", "--run", "one.trec", "--suite", "plain").returncode == 0
    alone = Result.read(tmp_path / "results" / "plain" / "one.json")
    assert [row.value for row in result.rows] == pytest.approx([row.value for row in alone.rows])
    done = here(*fuse, "--runs-out", "fused.trec")
    assert done.returncode == 0
    assert ("note: The run other.trec" in done.stderr) == (form != "byte order mark")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("evaluate", "--suite", "plain"), "evaluate needs encoders, vectors or a run\n  Name one"),
        (("evaluate", "tiny", "--run", "mine.trec", "--suite", "plain"), "evaluate needs encoders, vectors or a run\n"),
        (("evaluate", "--run", "mine.trec", "--suite", "plain", "--check"), "the option check has no effect on a run"),
        (("evaluate", "--run", "mine.trec", "--suite", "plain", "--pooling", "cls"), "the option pooling has no effect on a run"),
        (("evaluate", "--run", "mine.trec"), "mini has 132 settings, and a run file is of one"),
        (("evaluate", "--run", "nowhere.trec", "--suite", "plain"), "cannot read the run nowhere.trec"),
        (("fuse", "mine.trec", "--suite", "plain"), "fusion needs two runs or more\n  Name another run, or score one"),
    ],
)
def test_what_cannot_be_scored_is_explained(here: Cli, tmp_path: Path, plain: Path, words: tuple[str, ...], problem: str) -> None:
    (tmp_path / "mine.trec").write_text(lines("plain"))
    done = here(*words)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
