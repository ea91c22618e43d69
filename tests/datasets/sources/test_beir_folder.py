"""Local collections in BEIR's layout: what is loaded, and errors that name the file and line of the first problem."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import HybridBenchError, Judgement, Setting, Suite, load_suite
from hybrid_bench.datasets.judged import judged_in
from hybrid_bench.datasets.sources import beir_folder
from hybrid_bench.plugin import Item

CORPUS = [
    {"_id": "d1", "title": "Tea", "text": "Tea is made from leaves."},
    {"_id": "d2", "title": "", "text": "Bread is baked."},
]
QUERIES = [{"_id": "q1", "text": "What is tea made from?"}, {"_id": "q2", "text": "How is bread made?"}]
QRELS = [("q1", "d1", 1), ("q2", "d2", 2)]


def lines(records: Iterable[dict[str, Any]]) -> bytes:
    texts = (json.dumps(record, ensure_ascii="\\ud83d" in json.dumps(record)) for record in records)
    return "".join(f"{text}\n" for text in texts).encode()


def write_qrels(file: Path, rows: Iterable[tuple[object, ...]], header: str = "query-id\tcorpus-id\tscore\n") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(header + "".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound collection of two passages and two queries."""
    folder = tmp_path / "kitchen"
    write_qrels(folder / "qrels" / "test.tsv", QRELS)
    (folder / "corpus.jsonl").write_bytes(lines(CORPUS))
    (folder / "queries.jsonl").write_bytes(lines(QUERIES))
    return folder


def read(folder: Path) -> tuple[list[Item], list[Item], list[Judgement]]:
    suite = load_suite(str(folder))
    (queries,), (collection,) = suite.query_sets, suite.collections
    return suite.passages(collection.name), suite.queries(queries.name), list(queries.judgements())


def test_a_folder_is_a_suite(folder: Path) -> None:
    suite = load_suite(str(folder))
    assert (suite.name, suite.languages, suite.pools) == ("kitchen", (), {})
    assert suite.settings == (Setting("und", "und", "monolingual"),)
    assert read(folder) == (
        [Item("d1", "Tea Tea is made from leaves."), Item("d2", "Bread is baked.")],
        [Item("q1", "What is tea made from?"), Item("q2", "How is bread made?")],
        [Judgement("q1", "und", "d1", 1), Judgement("q2", "und", "d2", 2)],
    )


def test_gzipped_files_read_as_plain_ones(folder: Path) -> None:
    plain = read(folder)
    for name in ("corpus.jsonl", "queries.jsonl"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    assert read(folder) == plain


def test_blank_lines_a_missing_title_and_qrels_without_a_header_do_no_harm(folder: Path) -> None:
    plain = read(folder)
    (folder / "corpus.jsonl").write_bytes(lines(CORPUS).replace(b'"title": "", ', b"").replace(b"\n", b"\n\n"))
    write_qrels(folder / "qrels" / "test.tsv", QRELS, header="")
    assert read(folder) == plain


def test_a_query_without_judgements_is_not_asked(folder: Path) -> None:
    (folder / "queries.jsonl").write_bytes(lines([*QUERIES, {"_id": "q3", "text": "Why?"}]))
    assert [query.id for query in judged_in(load_suite(str(folder)), "und").queries] == ["q1", "q2"]


@pytest.mark.parametrize("tag", ["sw", "zh-hans", "pt-BR"])
def test_a_folder_named_by_a_language_is_in_that_language(folder: Path, tag: str) -> None:
    suite = load_suite(str(folder.rename(folder.with_name(tag))))
    assert suite.languages == (tag,)
    assert suite.settings == (Setting(tag, tag, "monolingual"),)


@pytest.mark.parametrize("word", ["kitchen", "raw", "set", "notes"])
def test_a_folder_named_by_a_word_has_no_stated_language(folder: Path, word: str) -> None:
    """``raw`` and ``set`` are the tags of languages too."""
    assert load_suite(str(folder.rename(folder.with_name(word)))).languages == ()


def test_the_working_folder_has_a_name_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert load_suite(".").name == "kitchen"
    assert load_suite("qrels/test.tsv").name == "kitchen/test"


def test_qrels_of_test_come_before_dev_and_others(folder: Path) -> None:
    write_qrels(folder / "qrels" / "dev.tsv", QRELS[:1])
    write_qrels(folder / "qrels" / "train.tsv", QRELS[1:])
    assert len(read(folder)[2]) == 2
    (folder / "qrels" / "test.tsv").unlink()
    assert [judgement.query_id for judgement in read(folder)[2]] == ["q1"]


def test_a_qrels_file_is_a_suite_of_its_own(folder: Path) -> None:
    train = write_qrels(folder / "qrels" / "train.tsv", QRELS[1:])
    suite = load_suite(str(train))
    assert suite.name == "kitchen/train"
    assert list(suite.query_set("und").judgements()) == [Judgement("q2", "und", "d2", 2)]
    assert [query.id for query in judged_in(suite, "und").queries] == ["q2"]


def test_several_qrels_without_a_test_or_dev_have_to_be_chosen_from(folder: Path) -> None:
    (folder / "qrels" / "test.tsv").rename(folder / "qrels" / "a.tsv")
    write_qrels(folder / "qrels" / "b.tsv", QRELS)
    with pytest.raises(HybridBenchError) as refused:
        read(folder)
    assert refused.value.problem == f"{folder} needs a qrels/test.tsv (found: qrels/a.tsv, qrels/b.tsv)"
    assert refused.value.remedy == "Name the qrels file itself as the suite."


def test_no_qrels_are_missed(folder: Path) -> None:
    (folder / "qrels" / "test.tsv").unlink()
    with pytest.raises(HybridBenchError, match=re.escape(f"{folder} needs a qrels/test.tsv (found: none)")):
        read(folder)


def test_missing_queries_are_missed(folder: Path) -> None:
    (folder / "queries.jsonl").unlink()
    with pytest.raises(HybridBenchError, match=re.escape(f"{folder} has no queries.jsonl")):
        read(folder)


def test_a_passage_without_a_text_is_kept(folder: Path) -> None:
    with (folder / "corpus.jsonl").open("ab") as file:
        file.write(lines([{"_id": "e", "title": "", "text": " \t"}, {"_id": "n", "title": None, "text": None}]))
    assert read(folder)[0][2:] == [Item("e", ""), Item("n", "")]


@pytest.mark.parametrize("text", [" \t", "", None])
def test_a_query_without_a_text_is_named(folder: Path, text: str | None) -> None:
    with (folder / "queries.jsonl").open("ab") as file:
        file.write(lines([{"_id": "x", "text": text}]))
    problem = f"{folder / 'queries.jsonl'}, line 3: the record with id 'x' has no text"
    with pytest.raises(HybridBenchError, match=re.escape(problem)):
        read(folder)


def test_integers_are_ids_too(folder: Path) -> None:
    (folder / "corpus.jsonl").write_bytes(lines([{**CORPUS[0], "_id": 1}, {**CORPUS[1], "_id": "2"}]))
    (folder / "queries.jsonl").write_bytes(lines([{**QUERIES[0], "_id": 10}, QUERIES[1]]))
    write_qrels(folder / "qrels" / "test.tsv", [(10, 1, 1), ("q2", 2, 1)])
    passages, queries, judgements = read(folder)
    assert [item.id for item in (*passages, *queries)] == ["1", "2", "10", "q2"]
    assert judgements == [Judgement("10", "und", "1", 1), Judgement("q2", "und", "2", 1)]


BAD_RECORDS: dict[str, tuple[dict[str, Any], str]] = {
    "NUL byte": ({"_id": "x", "text": "a\x00b"}, "the record with id 'x' contains a NUL byte"),
    "fraction as id": ({"_id": 7.5, "text": "Seven."}, "no id in field '_id', which has to be a text or an integer"),
    "truth as id": ({"_id": True, "text": "Seven."}, "no id in field '_id'"),
    "no id": ({"text": "Seven."}, "no id in field '_id'"),
    "empty id": ({"_id": "", "text": "Seven."}, "the record with id '': its id is empty"),
    "half a character as id": ({"_id": "x\ud83d", "text": "Seven."}, "the record with id 'x\\ud83d': its id holds half of"),
    "endless id": ({"_id": "x" * 200_000, "text": "Seven."}, f"the record with id '{'x' * 100}': its id has 200,000 characters"),
    "no text": ({"_id": "x"}, "no text in field 'text'"),
    "number as text": ({"_id": "x", "text": 7}, "no text in field 'text'"),
    "list as title": ({"_id": "x", "title": ["A", "B"], "text": "Seven."}, "no text in field 'title'"),
}


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
@pytest.mark.parametrize("bad", BAD_RECORDS)
def test_a_bad_record_is_named_by_file_line_and_id(folder: Path, name: str, bad: str) -> None:
    record, problem = BAD_RECORDS[bad]
    with (folder / name).open("ab") as file:
        file.write(lines([record]))
    with pytest.raises(HybridBenchError, match=re.escape(f"{folder / name}, line 3: {problem}")):
        read(folder)


@pytest.mark.parametrize(("name", "again"), [("corpus.jsonl", "d1"), ("queries.jsonl", "q1")])
def test_an_id_that_occurs_twice_is_named_with_both_lines(folder: Path, name: str, again: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(lines([{"_id": again, "text": "Once more."}]))
    twice = f"{folder / name}, line 3: the record with id '{again}' occurs twice, first in line 1"
    with pytest.raises(HybridBenchError, match=re.escape(twice)):
        read(folder)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
@pytest.mark.parametrize(
    "line", [b'{"_id": "x", "text": "cut off', b"not JSON", b"[1, 2]", b"7", b"[" * 100_000, b'{"_id": ' + b"9" * 5000 + b"}"]
)
def test_a_malformed_line_is_named_by_file_and_number(folder: Path, name: str, line: bytes) -> None:
    with (folder / name).open("ab") as file:
        file.write(line + b"\n" + lines([{"_id": "after", "text": "Sound again."}]))
    with pytest.raises(HybridBenchError, match=re.escape(f"{folder / name}, line 3: no")):
        read(folder)


def test_a_file_that_is_not_utf_8_is_named(folder: Path) -> None:
    (folder / "queries.jsonl").write_bytes(lines(QUERIES).replace(b"bread", "bröd".encode("latin-1")))
    with pytest.raises(HybridBenchError, match=re.escape(f"{folder / 'queries.jsonl'}, after line")):
        read(folder)


def cut(packed: bytes) -> bytes:
    return packed[: len(packed) // 2]


def flip(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]


def begin_with_a_reserved_block(packed: bytes) -> bytes:
    return packed[:10] + b"\xff" + packed[11:]


@pytest.mark.parametrize("damage", [cut, flip, begin_with_a_reserved_block, lambda _: b"not gzip"])
def test_a_damaged_gzip_file_is_named(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    many = [{"_id": f"d{number}", "text": f"Sentence {number} of {number * 7919 % 1000}."} for number in range(1000)]
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.jsonl.gz").write_bytes(damage(gzip.compress(lines(many))))
    with pytest.raises(HybridBenchError, match=re.escape(f"{folder / 'corpus.jsonl.gz'}, ")):
        read(folder)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("q1", "d1"), "expected query id, passage id and an integer, separated by tabs"),
        (("q1", "0", "d1", 1), "expected query id, passage id and an integer, separated by tabs"),
        (("q1", "d1", "1.5"), "expected query id, passage id and an integer, separated by tabs"),
    ],
)
def test_a_bad_judgement_is_named_by_file_and_line(folder: Path, row: tuple[object, ...], problem: str) -> None:
    file = write_qrels(folder / "qrels" / "test.tsv", [*QRELS, row])
    with pytest.raises(HybridBenchError, match=re.escape(f"{file}, line 4: {problem}")):
        read(folder)


def test_qrels_that_are_not_utf_8_are_named(folder: Path) -> None:
    file = folder / "qrels" / "test.tsv"
    file.write_bytes("q1\td1\t1\nfråga\td1\t1\n".encode("latin-1"))
    with pytest.raises(HybridBenchError, match=re.escape(f"{file}, after line 0")):
        read(folder)


JUDGED = {"ar", "de", "en", "es", "fr", "hi", "id", "ru", "sw", "th", "yo", "zh"}


@pytest.fixture(scope="module")
def judged(shared: Path) -> Suite:
    return load_suite(str(shared / "collections" / "miracl-judged"))


def test_a_folder_of_folders_is_one_suite_with_a_pool_over_its_languages(judged: Suite) -> None:
    assert judged.name == "miracl-judged"
    assert {of.name for of in judged.query_sets} == {of.name for of in judged.collections} == set(judged.languages) == JUDGED
    assert list(judged.languages) == sorted(JUDGED)
    assert judged.pools == {"all": tuple(sorted(JUDGED))}
    assert len(judged.settings) == 12 * 13
    kinds = [setting.kind for setting in judged.settings]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"monolingual": 12, "cross-lingual": 132, "multilingual": 12}


@pytest.mark.parametrize("language", sorted(JUDGED))
def test_real_collections_load_completely(shared: Path, judged: Suite, language: str) -> None:
    folder = shared / "collections" / "miracl-judged" / language
    alone = load_suite(str(folder))
    assert alone.languages == (language,)
    corpus = [json.loads(line) for line in gzip.decompress((folder / "corpus.jsonl.gz").read_bytes()).splitlines()]
    queries = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    qrels = (folder / "qrels" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    passages = alone.passages(language)
    assert [passage.id for passage in passages] == [record["_id"] for record in corpus]
    assert len(alone.queries(language)) == len(queries)
    judgements = list(alone.query_set(language).judgements())
    assert len(judgements) == len(qrels)

    assert judged.passages(language) == [Item(f"{language}-{doc_id}", text) for doc_id, text in passages]
    assert judged.queries(language) == alone.queries(language)
    assert list(judged.query_set(language).judgements()) == judgements
    assert {judgement.collection for judgement in judgements} == {language}


def several(parent: Path, names: Iterable[str]) -> Path:
    """A folder with the same small collection in each subfolder."""
    for name in names:
        write_qrels(parent / name / "qrels" / "test.tsv", QRELS)
        (parent / name / "corpus.jsonl").write_bytes(lines(CORPUS))
        (parent / name / "queries.jsonl").write_bytes(lines(QUERIES))
    return parent


TAGS = ["pt", "pt-BR", "zh-CN", "nl", "sw", "ha", "so", "yo"]


def test_every_subfolder_that_is_named_by_a_language_tag_is_loaded(tmp_path: Path) -> None:
    suite = load_suite(str(several(tmp_path / "news", TAGS)))
    assert sorted(suite.languages) == sorted(TAGS)
    assert suite.pools == {"all": tuple(sorted(TAGS))}
    assert len(suite.settings) == 8 * 9
    ids = {name: [passage.id for passage in suite.passages(name)] for name in TAGS}
    assert ids["pt"] == ["pt--d1", "pt--d2"]
    assert ids["pt-BR"] == ["pt-BR--d1", "pt-BR--d2"]
    assert len({doc_id for found in ids.values() for doc_id in found}) == 2 * 8
    assert all(suite.collection_of(doc_id) == name for name, found in ids.items() for doc_id in found)
    for name in TAGS:
        expected = [Judgement("q1", name, "d1", 1), Judgement("q2", name, "d2", 2)]
        assert list(suite.query_set(name).judgements()) == expected
        assert list(suite.restrict([name]).query_set(name).judgements()) == expected


def test_ids_begin_with_one_hyphen_where_no_tag_begins_with_another(tmp_path: Path) -> None:
    suite = load_suite(str(several(tmp_path / "news", ["sw", "ha", "so", "yo"])))
    assert suite.languages == ("ha", "so", "sw", "yo")
    assert [passage.id for passage in suite.passages("ha")] == ["ha-d1", "ha-d2"]


@pytest.mark.parametrize("name", ["notalanguage", "train", "2024", "zh_CN"])
def test_a_subfolder_with_a_collection_and_without_a_language_tag_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    parent = several(tmp_path / "news", ["de", "en", name])
    with pytest.raises(HybridBenchError) as refused:
        load_suite(str(parent))
    assert refused.value.problem == f"the subfolder {name!r} of {parent} holds a collection and is not named by a language tag"
    assert "BCP-47" in refused.value.remedy


@pytest.mark.parametrize("name", ["zh-cn", "iw"])
def test_two_subfolders_of_one_language_are_an_error(tmp_path: Path, name: str) -> None:
    parent = several(tmp_path / "news", ["zh-CN", "he", name])
    with pytest.raises(HybridBenchError, match=f"the subfolders '(zh-CN|he|{name})' and '(zh-CN|he|{name})' of .* same language"):
        load_suite(str(parent))


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("queries.jsonl", "has no corpus.jsonl"),
        ("corpus.jsonl.zst", "has no corpus.jsonl, and corpus.jsonl.zst is not read"),
        ("corpus.tsv", "has no corpus.jsonl, and corpus.tsv is not read"),
        ("corpus-1.jsonl", "has no corpus.jsonl, and corpus-1.jsonl is not read"),
        ("readme.txt", "has no corpus.jsonl"),
    ],
)
def test_a_subfolder_of_a_language_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path, file: str, problem: str) -> None:
    parent = several(tmp_path / "news", ["de", "en"])
    (parent / "pt").mkdir()
    (parent / "pt" / file).write_text("")
    with pytest.raises(HybridBenchError, match=re.escape(f"{parent / 'pt'} {problem}")):
        load_suite(str(parent))


def test_a_link_to_nowhere_that_is_named_by_a_language_is_an_error_that_names_it(tmp_path: Path) -> None:
    parent = several(tmp_path / "news", ["de", "en"])
    (parent / "pt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(HybridBenchError, match=re.escape(f"{parent / 'pt'} has no corpus.jsonl")):
        load_suite(str(parent))


def test_a_collection_beside_those_of_languages_is_an_error(folder: Path) -> None:
    several(folder, ["pt"])
    with pytest.raises(HybridBenchError, match=re.escape(f"{folder} is a collection and holds another in its subfolder pt")):
        load_suite(str(folder))


NOT_READ = {
    "corpus.jsonl.zst": "Decompress it: zstd -d ",
    "corpus.tsv": "Write corpus.jsonl with one JSON object a line",
    "corpus-00000.jsonl": "Join the parts: cd ",
}


@pytest.mark.parametrize("name", NOT_READ)
def test_another_form_of_the_corpus_is_named_with_the_remedy(folder: Path, name: str) -> None:
    (folder / "corpus.jsonl").rename(folder / name)
    with pytest.raises(HybridBenchError) as refused:
        load_suite(str(folder))
    assert refused.value.problem == f"{folder} has no corpus.jsonl, and {name} is not read"
    assert refused.value.remedy.startswith(NOT_READ[name])


def test_a_qrels_file_of_another_ending_has_to_be_named(folder: Path) -> None:
    plain = read(folder)
    trec = folder / "qrels" / "test.qrels"
    (folder / "qrels" / "test.tsv").rename(trec)
    with pytest.raises(
        HybridBenchError, match=r"needs a qrels/test.tsv \(found: qrels/test.qrels\)\n  Name the qrels file itself"
    ):
        load_suite(str(folder))
    assert read(trec) == plain
    assert load_suite(str(trec)).name == "kitchen/test"


def test_qrels_beside_the_corpus_are_read(folder: Path) -> None:
    plain = read(folder)
    (folder / "qrels" / "test.tsv").rename(folder / "qrels.tsv")
    (folder / "qrels").rmdir()
    assert read(folder) == plain
    suite = load_suite(str(folder / "qrels.tsv"))
    assert (suite.name, len(list(suite.query_set("und").judgements()))) == ("kitchen/qrels", 2)


def test_a_byte_order_mark_is_no_part_of_anything(folder: Path) -> None:
    plain = read(folder)
    for file in (folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels" / "test.tsv"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read(folder) == plain
    write_qrels(folder / "qrels" / "test.tsv", QRELS, header="\ufeff")
    assert read(folder) == plain


def test_a_text_of_200_kilobytes_is_read_whole(folder: Path) -> None:
    (folder / "corpus.jsonl").write_bytes(lines([{"_id": "d1", "text": "tea " * 50_000}, CORPUS[1]]))
    assert len(str(read(folder)[0][0].content)) == 199_999


def test_a_subfolder_without_a_collection_is_no_matter(tmp_path: Path) -> None:
    parent = several(tmp_path / "news", ["de", "en"])
    (parent / "notalanguage").mkdir()
    (parent / "notalanguage" / "readme.txt").write_text("Nothing to search.")
    assert load_suite(str(parent)).languages == ("de", "en")


def test_a_large_corpus_makes_a_suite_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load_suite(str(folder)).large
    monkeypatch.setattr(beir_folder, "LARGE_BYTES", (folder / "corpus.jsonl").stat().st_size - 1)
    assert load_suite(str(folder)).large
