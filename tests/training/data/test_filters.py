from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybrid_bench import Collection, HybridBenchError, Image, QuerySet, Suite, load_suite
from hybrid_bench.datasets.parts import ImagePassage, ImageQuery
from hybrid_bench.training.data import mix
from hybrid_bench.training.data.filters import WINDOW, remove_suite_overlap
from hybrid_bench.training.data.readers import jsonl
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from hybrid_bench.training.data.text_keys import normalised

CLEAN = ParallelRow("clean", "s", "Cats", {"en": "What do cats of this test drink?"}, {"en": "They drink the milk of this test."})


@pytest.fixture(scope="module")
def matching() -> dict[str, ParallelRow]:
    """Rows that each filter must remove, made from the suite `mini`."""
    suite = load_suite("mini")
    query = next(iter(suite.queries("de")))
    doc = max(suite.collection("en").passages(), key=lambda doc: len(doc.context))  # type: ignore[attr-defined]
    context: str = doc.context  # type: ignore[attr-defined]
    other = {"en": "Something else entirely, in a test?"}
    return {
        "id": ParallelRow(query.id, "s", "", dict(other), {}),
        "question": ParallelRow("a", "s", "", {"fr": f"  {str(query.content).upper()} !"}, {}),
        "passage": ParallelRow("b", "s", "", dict(other), {"en": doc.default_text().replace(" ", "  ")}),
        "context": ParallelRow(
            "c", "s", "", dict(other), {}, {"en": f"Another sentence before. {context} Another sentence after."}
        ),
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
def test_each_filter_removes_its_row(which: str, matching: dict[str, ParallelRow]) -> None:
    left, report = remove_suite_overlap(ParallelTable.from_rows([CLEAN, matching[which]]), [load_suite("mini")])
    assert dict(report.removed) == {("mini", which.partition(",")[0]): 1}
    assert (report.before, report.after) == (2, 1)
    assert list(left.rows()) == [CLEAN]


def test_whole_articles_are_removed_where_asked(tmp_path: Path) -> None:
    suite = load_suite("mini")
    title: str = next(iter(suite.collection("de").passages())).title  # type: ignore[attr-defined]
    row = ParallelRow("h", "s", title.upper(), {"en": "What is new in a test?"}, {"en": "A new sentence is new in a test."})
    table = ParallelTable.from_rows([CLEAN, row])
    assert len(remove_suite_overlap(table, [suite])[0]) == 2
    left, report = remove_suite_overlap(table, [suite], articles_of=["mini"])
    assert (dict(report.removed), list(left.rows())) == ({("mini", "article"): 1}, [CLEAN])
    jsonl.save(table, tmp_path / "rows.jsonl")
    built = mix.build([str(tmp_path / "rows.jsonl")], tmp_path / "mix", [], articles_of=["mini"])
    assert built.manifest["suites"] == ["mini"], "its texts are removed as well"
    assert built.manifest["filters"]["taken"] == [{"suite": "mini", "filter": "article", "rows": 1}]


def test_short_questions_are_removed_and_short_passages_are_kept() -> None:
    suite = load_suite("mini")
    query = min((str(query.content) for query in suite.queries("zh")), key=len)
    assert len(query) < 12, "shorter than the same in an alphabet"
    rows = [CLEAN, ParallelRow("a", "s", "", {"zh": query}), ParallelRow("b", "s", "", {"en": "Why, in a test?"}, {"en": "Yes."})]
    left, report = remove_suite_overlap(ParallelTable.from_rows(rows), [suite])
    assert dict(report.removed) == {("mini", "question"): 1}
    assert [row.id for row in left.rows()] == ["clean", "b"]


def test_images_of_a_suite_are_ignored() -> None:
    picture = Image.from_bytes(b"not decoded", name="What do cats of this test drink?")
    suite = Suite(
        name="pictures",
        description="",
        query_sets=(QuerySet("photos", lambda: [ImageQuery("q", picture)], list, modality="image"),),
        collections=(Collection("drawings", lambda: [ImagePassage("d", picture)], modality="image"),),
        settings=(),
    )
    left, report = remove_suite_overlap(ParallelTable.from_rows([CLEAN]), [suite])
    assert (list(left.rows()), report.removed) == ([CLEAN], {})


def test_overlapping_paragraphs_in_scripts_without_spaces() -> None:
    suite = load_suite("mini")
    for language in ("zh", "th"):
        context = max(
            (getattr(doc, "context", "") for doc in suite.collection(language).passages()), key=lambda text: len(normalised(text))
        )
        plain = normalised(context)
        assert len(plain) > WINDOW + 7
        other = {language: "这与那些文章无关吗"}
        cut = ParallelRow("cut", "s", "", dict(other), {}, {language: plain[7:] + "另外一些字"})
        put = ParallelRow("put", "s", "", dict(other), {}, {language: "前面一些字" + context})
        left, report = remove_suite_overlap(ParallelTable.from_rows([CLEAN, cut, put]), [suite])
        assert dict(report.removed) == {("mini", "context"): 2}
        assert [row.id for row in left.rows()] == ["clean"]


def test_corrupt_manifest_is_an_error(tmp_path: Path) -> None:
    jsonl.save(ParallelTable.from_rows([CLEAN]), tmp_path / "rows.jsonl")
    mix.build([str(tmp_path / "rows.jsonl")], tmp_path / "out", ["mini"])
    for content in ("{", "{}", "[]", '{"rows": {"s": []}}'):
        (tmp_path / "out" / "mix.json").write_text(content)
        with pytest.raises(HybridBenchError, match=r"mix\.json is corrupt"):
            mix.load(tmp_path / "out")


def test_error_counts_removed_rows_by_filter_if_none_remain(matching: dict[str, ParallelRow], tmp_path: Path) -> None:
    rows = [matching["id"], matching["passage"]]
    with pytest.raises(HybridBenchError, match=r"no row of the training data s remains.*mini by id: 1, mini by passage: 1"):
        remove_suite_overlap(ParallelTable.from_rows(rows), [load_suite("mini")])
    jsonl.save(ParallelTable.from_rows(rows), tmp_path / "rows.jsonl")
    jsonl.save(ParallelTable.from_rows([CLEAN]), tmp_path / "more.jsonl")
    for names in (["rows.jsonl"], ["more.jsonl", "rows.jsonl"]):
        with pytest.raises(HybridBenchError, match=r"no row of the training data rows remains.*mini by id: 1"):
            mix.build([str(tmp_path / name) for name in names], tmp_path / "out", ["mini"])
        assert not (tmp_path / "out").exists()
    (tmp_path / "other").mkdir()
    jsonl.save(ParallelTable.from_rows([CLEAN]), tmp_path / "other" / "more.jsonl")
    with pytest.raises(HybridBenchError, match=r"two of .*more\.jsonl have the same name"):
        mix.build([str(tmp_path / "more.jsonl"), str(tmp_path / "other" / "more.jsonl")], tmp_path / "out", ["mini"])
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(HybridBenchError, match=r"none\.jsonl has no row to train on"):
        mix.build([str(tmp_path / name) for name in ("more.jsonl", "none.jsonl")], tmp_path / "out", ["mini"])


def test_mix_is_reproducible_and_cached(
    tmp_path: Path, matching: dict[str, ParallelRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    jsonl.save(ParallelTable.from_rows([CLEAN, matching["id"]]), path)
    one, two = (mix.build([str(path)], tmp_path / name, ["mini"]) for name in ("one", "two"))
    for file in one.folder.iterdir():
        assert file.read_bytes() == (two.folder / file.name).read_bytes()
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    first = mix.cached([str(path)], ["mini"])
    (first.folder / "mix.json").touch()
    written = (first.folder / "mix.json").stat().st_mtime_ns
    assert mix.cached([str(path)], ["mini"]).table.hash == first.table.hash == one.table.hash
    assert (first.folder / "mix.json").stat().st_mtime_ns == written
    # An incomplete folder of an interrupted process is rebuilt.
    (first.folder / "mix.json").unlink()
    assert mix.cached([str(path)], ["mini"]).table.hash == first.table.hash


def test_cache_key_has_the_content_of_a_folder_suite(
    tmp_path: Path, matching: dict[str, ParallelRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    jsonl.save(ParallelTable.from_rows([CLEAN, matching["id"]]), tmp_path / "rows.jsonl")
    folder = tmp_path / "suite"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "Nothing of the training data."}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")

    def left(question: str) -> list[str]:
        (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": question}) + "\n")
        return [row.id for row in mix.cached([str(tmp_path / "rows.jsonl")], [str(folder)]).table.rows()]

    assert left("Is this in them?") == [CLEAN.id, matching["id"].id]
    assert left(CLEAN.question["en"]) == [matching["id"].id]
