"""Queries without a relevant passage: never averaged as 0, never left out in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import ir_datasets
import pytest
from ir_datasets.datasets.base import Dataset
from ir_datasets.formats import BaseDocs, BaseQrels, BaseQueries, GenericDoc, GenericQuery, TrecQrel

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, evaluate
from tests.conftest import Cli
from tests.tiny_encoder import TinyEncoder

#: Each question has its word; of the last two one is judged and not answered, and one is not judged.
WORDS = ("bread", "chess", "harbour", "violin")
ANSWERED, REFUSED, UNJUDGED = range(2), 2, 3
NOTES = [
    "1 query is judged, and no passage is relevant to it: it is left out of every mean (first: 'q2').",
    "1 query has no judgement: it is left out of every mean (first: 'q3').",
]


def write(folder: Path, grades: dict[int, int]) -> Path:
    (folder / "qrels").mkdir(parents=True)
    files = {
        "corpus.jsonl": [json.dumps({"_id": f"d{n}", "text": f"{folder.name} {word}"}) for n, word in enumerate(WORDS)],
        "queries.jsonl": [json.dumps({"_id": f"q{n}", "text": word}) for n, word in enumerate(WORDS)],
        "qrels/test.tsv": [f"q{n}\td{n}\t{grade}" for n, grade in grades.items()],
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


GRADES = dict.fromkeys(ANSWERED, 1) | {REFUSED: 0}


class _Docs(BaseDocs):  # type: ignore[misc]
    def docs_iter(self) -> Iterator[GenericDoc]:
        return (GenericDoc(f"d{n}", word) for n, word in enumerate(WORDS))

    def docs_cls(self) -> type[GenericDoc]:
        return GenericDoc

    def docs_count(self) -> int:
        return len(WORDS)

    def docs_lang(self) -> str:
        return "en"


class _Queries(BaseQueries):  # type: ignore[misc]
    def queries_iter(self) -> Iterator[GenericQuery]:
        return (GenericQuery(f"q{n}", word) for n, word in enumerate(WORDS))

    def queries_cls(self) -> type[GenericQuery]:
        return GenericQuery

    def queries_lang(self) -> str:
        return "en"


class _Qrels(BaseQrels):  # type: ignore[misc]
    def qrels_iter(self) -> Iterator[TrecQrel]:
        return (TrecQrel(f"q{n}", f"d{n}", grade, "0") for n, grade in GRADES.items())

    def qrels_defs(self) -> dict[int, str]:
        return {0: "no", 1: "yes"}


@pytest.fixture(scope="module")
def entry() -> str:
    ir_datasets.registry.register("unanswered-toy/test", Dataset(_Docs(), _Queries(), _Qrels()))
    return "unanswered-toy/test"


def counts(result: Result) -> dict[tuple[str, str], int]:
    return {(row.query_set, row.pool): row.queries for row in result.rows if row.measure == "AP"}


def check(result: Result) -> None:
    """The means are of the answered questions alone, each of which finds its word."""
    assert set(counts(result).values()) == {len(ANSWERED)}
    assert {row.value for row in result.rows if row.measure == "AP"} == {1.0}
    assert [note for note in result.notes if "left out of every mean" in note] == NOTES


def test_in_a_folder(tmp_path: Path) -> None:
    check(evaluate(TinyEncoder(), str(write(tmp_path / "mine", GRADES))))


def test_in_ir_datasets(entry: str) -> None:
    check(evaluate(TinyEncoder(), entry, options=EvaluationOptions(measures=("AP",))))


def test_in_runs(entry: str, cli: Cli, tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", GRADES)
    done = cli("evaluate", "tiny", "--suite", str(folder), "--runs", "runs", "--out", "first")
    assert done.returncode == 0, done.stderr
    assert "no passage is relevant to it" in " ".join((done.stdout + done.stderr).split())
    run = next((tmp_path / "runs").rglob("*.trec*"))
    again = cli("evaluate", "--run", str(run), "--suite", str(folder), "--name", "again", "--out", "second")
    assert again.returncode == 0, again.stderr
    check(Result.read(next((tmp_path / "second").rglob("again*.json"))))


def test_in_domains(tmp_path: Path) -> None:
    """A domain without an answered question has no scores, and the result says so; the others keep theirs."""
    write(tmp_path / "mine" / "domain-law", GRADES)
    write(tmp_path / "mine" / "domain-news", dict.fromkeys(range(4), 1))
    write(tmp_path / "mine" / "domain-sport", {0: 0})
    result = evaluate(TinyEncoder(), str(tmp_path / "mine"))
    assert counts(result) == {("law", "law"): 2, ("law", "all"): 2, ("news", "news"): 4, ("news", "all"): 4}
    assert "1 query set has no query with a relevant passage: it has no scores (first: 'sport')." in result.notes
    assert any(note.startswith("2 queries are judged, and no passage is relevant to them") for note in result.notes)
    assert any(note.startswith("4 queries have no judgement") for note in result.notes)


def test_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"no query of .* has a relevant passage"):
        evaluate(TinyEncoder(), str(write(tmp_path / "mine", dict.fromkeys(range(4), 0))))


def test_strict_refuses_what_is_judged_and_not_answered(tmp_path: Path) -> None:
    strict = EvaluationOptions(strict=True)
    with pytest.raises(HybridBenchError, match="1 query is judged, and no passage is relevant to it"):
        evaluate(TinyEncoder(), str(write(tmp_path / "mine", GRADES)), options=strict)
    # A file of queries is often that of several splits.
    assert counts(evaluate(TinyEncoder(), str(write(tmp_path / "split", dict.fromkeys(ANSWERED, 1))), options=strict))
