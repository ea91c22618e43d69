from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError, load_suite
from hybrid_bench.training.data import mix
from hybrid_bench.training.data.filters import WINDOW, without_suites
from hybrid_bench.training.data.readers import jsonl
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from hybrid_bench.training.data.text_keys import normalised

CLEAN = ParallelRow("clean", "s", "Cats", {"en": "What do cats of this test drink?"}, {"en": "They drink the milk of this test."})


@pytest.fixture(scope="module")
def taken() -> dict[str, ParallelRow]:
    """Rows that each of the filters has to see, made of the suite `mini` itself."""
    suite = load_suite("mini")
    query = next(iter(suite.queries("de")))
    doc = max(suite.docs("en"), key=lambda doc: len(doc.context))  # type: ignore[attr-defined]
    context: str = doc.context  # type: ignore[attr-defined]
    other = {"en": "Something else entirely, in a test?"}
    return {
        "id": ParallelRow(query.query_id, "s", "", dict(other), {}),
        "question": ParallelRow("a", "s", "", {"fr": f"  {query.default_text().upper()} !"}, {}),
        "passage": ParallelRow("b", "s", "", dict(other), {"en": doc.default_text().replace(" ", "  ")}),
        "context": ParallelRow("c", "s", "", dict(other), {}, {"en": f"Before it, this stands. {context} And after it, that."}),
        "passage, a paragraph": ParallelRow("e", "s", "", dict(other), {"en": context}),
        "passage, of two": ParallelRow("f", "s", "", dict(other), {"en": context[: len(context) - 3] + " and no more"}),
        "question, a paragraph": ParallelRow("g", "s", "", {"en": context}, {"en": "This is an answer in a test."}),
        "context, cut": ParallelRow("d", "s", "", dict(other), {}, {"en": context[context.index(" ") + 1 :] + " More of it."}),
    }


@pytest.mark.parametrize(
    "which",
    [
        "id",
        "question",
        "question, a paragraph",
        "passage",
        "passage, a paragraph",
        "passage, of two",
        "context",
        "context, cut",
    ],
)
def test_each_filter_takes_its_row(which: str, taken: dict[str, ParallelRow]) -> None:
    left, report = without_suites(ParallelTable.of([CLEAN, taken[which]]), [load_suite("mini")])
    assert dict(report.taken) == {("mini", which.partition(",")[0]): 1}
    assert (report.before, report.after) == (2, 1)
    assert list(left.rows()) == [CLEAN]


def test_a_question_is_known_however_short_and_a_short_passage_is_not() -> None:
    suite = load_suite("mini")
    query = min((query.default_text() for query in suite.queries("zh")), key=len)
    assert len(query) < 12, "shorter than the same in an alphabet"
    rows = [CLEAN, ParallelRow("a", "s", "", {"zh": query}), ParallelRow("b", "s", "", {"en": "Why, in a test?"}, {"en": "Yes."})]
    left, report = without_suites(ParallelTable.of(rows), [suite])
    assert dict(report.taken) == {("mini", "question"): 1}
    assert [row.id for row in left.rows()] == ["clean", "b"]


def test_a_paragraph_is_known_wherever_it_is_cut_in_scripts_without_spaces() -> None:
    suite = load_suite("mini")
    for language in ("zh", "th"):
        context = max((getattr(doc, "context", "") for doc in suite.docs(language)), key=lambda text: len(normalised(text)))
        plain = normalised(context)
        assert len(plain) > WINDOW + 7
        other = {language: "这与那些文章无关吗"}
        cut = ParallelRow("cut", "s", "", dict(other), {}, {language: plain[7:] + "另外一些字"})
        put = ParallelRow("put", "s", "", dict(other), {}, {language: "前面一些字" + context})
        left, report = without_suites(ParallelTable.of([CLEAN, cut, put]), [suite])
        assert dict(report.taken) == {("mini", "context"): 2}
        assert [row.id for row in left.rows()] == ["clean"]


def test_a_damaged_account_is_said(tmp_path: Path) -> None:
    jsonl.save(ParallelTable.of([CLEAN]), tmp_path / "rows.jsonl")
    mix.build([str(tmp_path / "rows.jsonl")], tmp_path / "out", ["mini"])
    for content in ("{", "{}", "[]", '{"rows": {"s": []}}'):
        (tmp_path / "out" / "mix.json").write_text(content)
        with pytest.raises(HybridBenchError, match=r"mix\.json is damaged"):
            mix.load(tmp_path / "out")


def test_nothing_left_says_which_filter_took_what(taken: dict[str, ParallelRow], tmp_path: Path) -> None:
    rows = [taken["id"], taken["passage"]]
    with pytest.raises(HybridBenchError, match=r"no row of the training data s is left.*mini by id: 1, mini by passage: 1"):
        without_suites(ParallelTable.of(rows), [load_suite("mini")])
    jsonl.save(ParallelTable.of(rows), tmp_path / "rows.jsonl")
    jsonl.save(ParallelTable.of([CLEAN]), tmp_path / "more.jsonl")
    for names in (["rows.jsonl"], ["more.jsonl", "rows.jsonl"]):
        with pytest.raises(HybridBenchError, match=r"no row of the training data rows is left.*mini by id: 1"):
            mix.build([str(tmp_path / name) for name in names], tmp_path / "out", ["mini"])
        assert not (tmp_path / "out").exists()
    (tmp_path / "other").mkdir()
    jsonl.save(ParallelTable.of([CLEAN]), tmp_path / "other" / "more.jsonl")
    with pytest.raises(HybridBenchError, match=r"two of .*more\.jsonl have one name"):
        mix.build([str(tmp_path / "more.jsonl"), str(tmp_path / "other" / "more.jsonl")], tmp_path / "out", ["mini"])
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(HybridBenchError, match=r"none\.jsonl has no row to train on"):
        mix.build([str(tmp_path / name) for name in ("more.jsonl", "none.jsonl")], tmp_path / "out", ["mini"])


def test_a_mix_is_the_same_bytes_each_time_and_is_kept(
    tmp_path: Path, taken: dict[str, ParallelRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    jsonl.save(ParallelTable.of([CLEAN, taken["id"]]), path)
    one, two = (mix.build([str(path)], tmp_path / name, ["mini"]) for name in ("one", "two"))
    for file in one.folder.iterdir():
        assert file.read_bytes() == (two.folder / file.name).read_bytes()
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    first = mix.cached([str(path)], ["mini"])
    (first.folder / "mix.json").touch()
    written = (first.folder / "mix.json").stat().st_mtime_ns
    assert mix.cached([str(path)], ["mini"]).table.hash == first.table.hash == one.table.hash
    assert (first.folder / "mix.json").stat().st_mtime_ns == written
    # What a process left that was killed before the end is made again.
    (first.folder / "mix.json").unlink()
    assert mix.cached([str(path)], ["mini"]).table.hash == first.table.hash


def test_a_suite_that_is_a_folder_is_known_by_what_is_in_it(
    tmp_path: Path, taken: dict[str, ParallelRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    jsonl.save(ParallelTable.of([CLEAN, taken["id"]]), tmp_path / "rows.jsonl")
    folder = tmp_path / "suite"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "Nothing of the training data."}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")

    def left(question: str) -> list[str]:
        (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": question}) + "\n")
        return [row.id for row in mix.cached([str(tmp_path / "rows.jsonl")], [str(folder)]).table.rows()]

    assert left("Is this in them?") == [CLEAN.id, taken["id"].id]
    assert left(CLEAN.question["en"]) == [taken["id"].id]
