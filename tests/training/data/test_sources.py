"""The known sources: their sizes, and that no suite text remains in them."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from hybrid_bench import HybridBenchError, load_suite
from hybrid_bench.training.data import mix
from hybrid_bench.training.data.filters import remove_suite_overlap
from hybrid_bench.training.data.readers import question_archive
from hybrid_bench.training.data.sources import read_source, read_table, source_info, sources
from hybrid_bench.training.recipe import Data
from tests.mutations import mutated

#: Questions outside XQuAD's paragraphs whose ids English has.
EXPECTED = {"en": 9380, "es": 5851, "zh": 6957, "tr": 5111, "it": 6117, "sv": 4492, "id": 3770, "da": 6740}


@pytest.fixture(scope="module")
def built(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> mix.Mix:
    return mix.build(["squad-translated"], tmp_path_factory.mktemp("mix") / "table", ["xquad-r"])


def test_translated_squad_has_the_expected_counts(built: mix.Mix) -> None:
    assert built.table.counts("question") == EXPECTED
    assert built.manifest["filters"]["taken"] == [{"suite": "xquad-r", "filter": "id", "rows": 1190}]
    passages = built.table.counts("sentence")
    assert passages["en"] == EXPECTED["en"]
    assert all(passages[language] > 0.99 * EXPECTED[language] for language in EXPECTED if language != "tr")


def test_shared_articles_are_reported(built: mix.Mix) -> None:
    assert len(built.manifest["filters"]["articles"]["xquad-r"]) == 48


def test_no_xquad_text_remains(built: mix.Mix) -> None:
    """By direct comparison of texts in every language, independent of the filters."""
    suite = load_suite("xquad-r")
    ids = {query.id for query in suite.queries("en")}
    asked = {str(query.content).strip() for of in suite.query_sets for query in suite.queries(of.name)}
    paragraphs = {doc.context.strip() for of in suite.collections for doc in of.passages()}  # type: ignore[attr-defined]
    assert not ids & set(built.table.key_column("id"))
    for language in built.table.languages:
        assert not asked & set(built.table.column("question", language))
        assert not paragraphs & {(text or "").strip() for text in built.table.column("context", language)} - {""}


def test_two_sentences_shared_with_mlqa_are_removed(built: mix.Mix) -> None:
    left, report = remove_suite_overlap(built.table, [load_suite("mlqa-r")])
    assert dict(report.removed) == {("mlqa-r", "passage"): 2}
    assert len(left) == len(built.table) - 2
    assert report.articles["mlqa-r"] == ["Harvard University", "Prime number"]


def test_parallel_sentence_sources(shared: Path) -> None:
    ntrex = read_source("ntrex")
    assert len(ntrex.rows) == 1997
    assert all(len(row.question) == 11 and row.article for row in ntrex.rows)
    spans = read_source("ntrex-spans")
    sentences = {row.sentence["en"] for row in ntrex.rows}
    assert len(spans.rows) == 5976
    assert {row.sentence["en"] for row in spans.rows if "en" in row.sentence} < sentences
    assert {row.source for row in spans.rows} == {"ntrex-spans"}
    tatoeba = read_source("tatoeba")
    assert {language for row in tatoeba.rows for language in row.question} == set(sources()["tatoeba"].languages)
    pairs = read_source("tatoeba-pairs")
    assert {language for row in pairs.rows for language in row.question} == set(sources()["tatoeba-pairs"].languages)
    assert len({row.id.split(":")[1] for row in pairs.rows}) == 61
    assert len(pairs.rows) > 200_000
    news = read_source("wmt-newstest")
    assert {tuple(sorted(row.question)) for row in news.rows} == {
        ("de", "en"), ("en", "es"), ("en", "hi"), ("en", "it"), ("en", "ru"), ("en", "tr"), ("en", "zh")
    }  # fmt: skip
    assert len(news.rows) > 80_000
    mkqa = read_source("mkqa-dev")
    assert len(mkqa.rows) == 1758
    assert {language for row in mkqa.rows for language in row.question} == set(sources()["mkqa-dev"].languages)
    assert all(row.question == row.sentence for row in mkqa.rows)
    mintaka = read_source("mintaka")
    assert len(mintaka.rows) == 2000
    assert {language for row in mintaka.rows for language in row.question} == set(sources()["mintaka"].languages)


def test_a_damaged_archive_of_questions_gives_an_error_or_rows(tmp_path: Path) -> None:
    path, rng = tmp_path / "questions.zip", random.Random(2)
    content = io.BytesIO()
    lines = '{"id": "1_de", "lang": "de", "question": "Wer?"}\n{"id": "2_de", "lang": "de", "question": "Was?"}\n'
    with zipfile.ZipFile(content, "w") as archive:
        for language in ("de", "en"):
            archive.writestr(f"x/mkqa-{language}.jsonl", lines.replace("de", language))
    path.write_bytes(content.getvalue())
    assert [sorted(row.question) for row in question_archive.read("s", path).rows] == [["de", "en"]] * 2
    for _ in range(2000):
        path.write_bytes(mutated(content.getvalue(), rng))
        try:
            rows = question_archive.read("s", path).rows
        except HybridBenchError:
            continue
        assert all(isinstance(text, str) for row in rows for text in row.question.values())


ROW = {"id": "1", "source": "squad", "question": {"en": "Who ran?", "de": "Wer lief?"}, "sentence": {"en": "She ran."}}


def test_user_data_are_named_after_the_file(tmp_path: Path) -> None:
    path = tmp_path / "parallel.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    assert {row.source for row in read_source(str(path)).rows} == {"parallel"}, "what a recipe calls it"
    built = mix.build([str(path)], tmp_path / "mix", [])
    (row,) = read_source(str(built.folder)).rows
    assert "licence" not in source_info(str(built.folder)), "the file has no licence"
    built.folder.joinpath("mix.json").write_text('{"sources": {"a": {"licence": "B"}, "c": {"files": [{"licence": "A"}, {}]}}}')
    assert source_info(str(built.folder))["licence"] == "A | B"
    assert (row.source, row.question) == ("mix", ROW["question"])
    shares = Data(sources={str(path): 2, str(built.folder): 1, "ntrex": 1}).shares
    assert shares == {"parallel": 2, "mix": 1, "ntrex": 1}
    with pytest.raises(ValidationError, match="two of the sources have the same name"):
        Data(sources={str(path): 1, str(tmp_path / "elsewhere" / "parallel.jsonl"): 1})


def test_same_id_in_two_sources_stays_two_rows(tmp_path: Path) -> None:
    path = tmp_path / "both.jsonl"
    path.write_text("".join(json.dumps(ROW | {"source": source}) + "\n" for source in ("squad", "other")))
    rows = read_source(str(path)).rows
    assert [(row.source, row.id) for row in rows] == [("both", "squad:1"), ("both", "other:1")]
    assert read_table(str(path), "en").sources == ("other", "squad")


def squad_file(path: Path, *ids: object) -> Path:
    qas = [{"id": one, "question": f"Who is {one}?", "answers": [{"text": "Ann", "answer_start": 0}]} for one in ids]
    path.write_text(json.dumps({"data": [{"title": "T", "paragraphs": [{"context": "Ann is here.", "qas": qas}]}]}))
    return path


def test_squad_files_by_language(tmp_path: Path) -> None:
    english, german = squad_file(tmp_path / "en.json", "1", "2"), squad_file(tmp_path / "de.json", "2", "3")
    rows = {row.id: row for row in read_source(f"my:en={english},de={german}").rows}
    assert {row.source for row in rows.values()} == {"my"}
    assert rows["2"].question.keys() == {"en", "de"}
    lines = [tmp_path / "en.txt", tmp_path / "de.txt"]
    for file in lines:
        file.write_text(f"{file.stem} one\n{file.stem} two\n")
    pairs = read_source(f"news:en={lines[0]},de={lines[1]}").rows
    assert [row.sentence for row in pairs] == [{"en": "en one", "de": "de one"}, {"en": "en two", "de": "de two"}]


def test_invalid_user_data_are_errors(tmp_path: Path) -> None:
    english, other = squad_file(tmp_path / "en.json", "1"), squad_file(tmp_path / "de.json", "2")
    with pytest.raises(HybridBenchError, match="are in no other language"):
        read_source(f"my:en={english},de={other}")
    with pytest.raises(HybridBenchError, match="the id 7 is not a string"):
        read_source(f"my:en={squad_file(tmp_path / 'numbers.json', 7)}")
    for name in ("en=a.json", "my:en=", "my:en=a.json,en=b.json"):
        with pytest.raises(HybridBenchError, match=r"is not a list of files|the same language twice"):
            read_source(name)
    with pytest.raises(HybridBenchError, match=r"cannot read .*missing\.json"):
        read_table(str(tmp_path / "missing.json"), "en")


def test_unknown_source_is_an_error() -> None:
    with pytest.raises(HybridBenchError, match="Did you mean ntrex"):
        read_source("ntrx")
    with pytest.raises(HybridBenchError, match=r"cannot read .*mine\.jsonl"):
        mix.cached(["mine.jsonl"])
