from __future__ import annotations

import gzip
import json
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench import HybridBenchError
from hybrid_bench.datasets.sources import lareqa
from hybrid_bench.training.data import sentences
from hybrid_bench.training.data.readers import jsonl, question_translations, sentence_pairs, sentence_spans, squad
from hybrid_bench.training.data.readers.reading import ReadResult
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from tests.training.tables import mixed_table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 3.5 m. Is it? Yes!", ["It is 3.5 m.", "Is it?", "Yes!"]),
        ('He said: "No." Then he left.', ['He said: "No."', "Then he left."]),
        ("J. R. Smith met Dr. Who in St. Louis. They spoke.", ["J. R. Smith met Dr. Who in St. Louis.", "They spoke."]),
        ("Das war am 3. april. Danach kam d.h. nichts.", ["Das war am 3. april.", "Danach kam d.h. nichts."]),
        ("今天很热。你好吗？“很好。”他说。", ["今天很热。", "你好吗？", "“很好。”", "他说。"]),
        ("यह एक वाक्य है। यह दूसरा है।", ["यह एक वाक्य है।", "यह दूसरा है।"]),
        ("ما هذا؟ هذا بيت.", ["ما هذا؟", "هذا بيت."]),
        ("Τι είναι; Είναι σπίτι.", ["Τι είναι;", "Είναι σπίτι."]),
        ("one; two", ["one; two"]),
        ("a line\nanother", ["a line", "another"]),
        ("  ", []),
        ("", []),
    ],
)
def test_sentence_segmentation(text: str, expected: list[str]) -> None:
    spans = sentences.spans(text)
    assert [text[start:end] for start, end in spans] == expected


@pytest.mark.parametrize(("language", "least"), [("en", 0.97), ("hi", 0.97), ("ru", 0.97), ("zh", 0.89), ("tr", 0.86)])
def test_answer_sentences_agree_with_another_segmenter(language: str, least: float, shared: Path) -> None:
    """LAReQA used another segmenter; both find the same answer sentence for nearly all questions."""
    found = lareqa.load("xquad-r", language)
    passages = {passage.doc_id: passage for passage in found.passages}
    same = 0
    for relevant in found.relevant.values():
        passage = passages[relevant[0]]
        own = sentences.spans(passage.context)
        start, end = sentences.containing(own, passage.context.index(passage.text.strip()))
        same += passage.context[start:end] == passage.text.strip()
    assert same / len(found.relevant) >= least


def file(path: Path, language: str, questions: list[dict[str, Any]], context: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"data": [{"title": "A_b", "paragraphs": [{"context": context, "qas": questions}]}]}).encode()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("file.json", content)
    else:
        path.write_bytes(content)
    return path


def asked(number: int, *answers: tuple[str, int | None], **more: Any) -> dict[str, Any]:
    listed = [{"text": text} | ({} if at is None else {"answer_start": at}) for text, at in answers]
    return {"id": f"q{number}", "question": f"Question {number}?", "answers": listed, **more}


EN = "The sun is a star. The moon is no star. It is a moon."


def test_squad_files_are_joined_by_id(tmp_path: Path) -> None:
    english = [asked(0, ("sun", 4)), asked(1, ("moon", 23)), asked(2, ("star", 13)), asked(3, ("It", 40))]
    german = [
        asked(0, ("Sonne", 900)),  # wrong offset: the nearest occurrence is used
        asked(1, ("", -1), ("Mond", 29)),  # the first answer that occurs
        asked(2, ("Planet", 3)),  # does not occur: a question without a passage
        asked(4, ("Mond", None)),  # missing in English
        asked(5, is_impossible=True),
    ]
    reading = squad.read(
        "src",
        {
            "en": [file(tmp_path / "en.json.zip", "en", english, EN)],
            "de": [
                file(tmp_path / "de.json.gz", "de", german, "Die Sonne ist ein Stern. Der Mond nicht."),
                file(tmp_path / "de2.json", "de", [asked(0, ("x", 0)), asked(3, ("Es", None))], "Es ist hell. Ja."),
            ],
        },
        aligned_to="en",
    )
    rows = {row.id: row for row in reading.rows}
    assert sorted(rows) == ["q0", "q1", "q2", "q3"]
    assert rows["q0"].sentence == {"en": "The sun is a star.", "de": "Die Sonne ist ein Stern."}
    assert rows["q1"].sentence == {"en": "The moon is no star.", "de": "Der Mond nicht."}
    assert rows["q2"].question.keys() == {"en", "de"}
    assert rows["q2"].sentence.keys() == {"en"}
    assert rows["q3"].sentence["de"] == "Es ist hell."
    assert rows["q0"].article == "A b"
    assert reading.skipped == {
        ("de", squad.NO_PASSAGE): 1,
        ("de", squad.NOT_ALIGNED): 1,
        ("de", squad.UNANSWERABLE): 1,
        ("de", squad.REPEATED): 1,
    }


def test_files_without_common_ids_are_errors(tmp_path: Path) -> None:
    files = {
        "en": [file(tmp_path / "en.json", "en", [asked(0, ("sun", 4))], EN)],
        "de": [file(tmp_path / "de.json", "de", [asked(7, ("sun", 4))], EN)],
    }
    with pytest.raises(HybridBenchError, match="1 question ids of src in 'en' are in no other language"):
        squad.read("src", files)


def test_invalid_squad_files_are_errors(tmp_path: Path) -> None:
    for name, content, message in [
        ("a.json", b'{"data": [{}]}', "not in SQuAD's format: KeyError: 'paragraphs'"),
        ("b.json", b"{", "not in SQuAD's format"),
        ("c.json", b"\xff\xfe", "not UTF-8"),
        ("half.json", b'{"data": [{"title": "\\uD83D", "paragraphs": []}]}', "not in SQuAD's format: UnicodeEncodeError"),
        ("d.json.gz", b"{}", "cannot read"),
        ("e.json.zip", b"{}", "cannot read"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(HybridBenchError, match=message):
            squad.read("src", {"en": [tmp_path / name]})
    with pytest.raises(HybridBenchError, match="cannot read"):
        squad.read("src", {"en": [tmp_path / "nowhere.json"]})


def test_parallel_sentences(tmp_path: Path) -> None:
    (tmp_path / "en").write_text("One\u2028word.\nTwo.\nThree.\n", encoding="utf-8")
    (tmp_path / "de").write_text("Eins.\n\nDrei.\n", encoding="utf-8")
    (tmp_path / "ids").write_text("a\na\nb\n", encoding="utf-8")
    files = {"en": tmp_path / "en", "de": tmp_path / "de"}
    reading = sentence_pairs.read("news", files, tmp_path / "ids")
    assert [(row.id, row.article) for row in reading.rows] == [("news:1", "news:a"), ("news:3", "news:b")]
    assert reading.rows[0].question == reading.rows[0].sentence == {"en": "One\u2028word.", "de": "Eins."}
    assert reading.skipped == {("de", sentence_pairs.EMPTY): 1}
    (tmp_path / "de").write_text("Eins.\n", encoding="utf-8")
    with pytest.raises(HybridBenchError, match=r"en has 3 lines, .*de has 1"):
        sentence_pairs.read("news", files)
    with pytest.raises(HybridBenchError, match="need two or more"):
        sentence_pairs.read("news", {"en": tmp_path / "en"})


WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=40)


@given(WORDS, WORDS, st.integers(1, 4))
def test_spans_are_substrings_of_the_documented_length(english: list[str], german: list[str], spans: int) -> None:
    texts = {"en": " ".join(english), "de": "  ".join(german)}
    row = ParallelRow("news:1", "news", "news:a", texts, dict(texts))
    reading = sentence_spans.read(ReadResult([row]), spans)
    long = {language for language, words in {"en": english, "de": german}.items() if len(words) >= 9}
    assert [made.id for made in reading.rows] == [f"news:1.{number}" for number in range(1, spans + 1 if long else 1)]
    assert reading.skipped == {(language, sentence_spans.SHORT): 1 for language in {"en", "de"} - long}
    for made in reading.rows:
        assert set(made.question) == long
        assert made.sentence == {language: texts[language] for language in long}
        for language in long:
            words = {"en": english, "de": german}[language]
            span = made.question[language].split()
            assert any(words[at : at + len(span)] == span for at in range(len(words)))
            assert 0.3 * len(words) - 1 <= len(span) <= 0.6 * len(words) + 1
    assert reading == sentence_spans.read(ReadResult([row]), spans), "the id decides what is drawn"


def test_spans_have_the_same_position_in_every_language() -> None:
    words = [f"w{number:02}" for number in range(40)]
    row = ParallelRow("1", "s", "", {}, {"en": " ".join(words), "de": " ".join(words).upper()})
    for made in sentence_spans.read(ReadResult([row]), 20).rows:
        assert made.question["de"] == made.question["en"].upper()


def test_spans_of_languages_without_spaces() -> None:
    chinese = "我们在2019年用ABC学会了Twp"
    thai = "ฉันชอบดื่มน้ำชาที่บ้าน"
    row = ParallelRow("1", "s", "", {}, {"zh": chinese, "th": thai})
    rows = sentence_spans.read(ReadResult([row]), 30).rows
    for made in rows:
        for language, text in (("zh", chinese), ("th", thai)):
            assert made.question[language] in text
            assert not unicodedata.category(made.question[language][0]).startswith("M"), "no mark without its letter"
        for word in ("ABC", "Twp", "2019"):
            assert word in made.question["zh"] or not set(word) & set(made.question["zh"]), "no word in two"
    assert len({made.question["zh"] for made in rows}) > 10


def test_question_translations(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps([{"id": "a", "question": "Who?", "translations": {"de": "Wer?", "ja": " "}}]))
    (row,) = question_translations.read("m", path, "en").rows
    assert row.question == row.sentence == {"en": "Who?", "de": "Wer?"}
    path.write_text('[{"id": "a"}]')
    with pytest.raises(HybridBenchError, match="not a list of questions with translations"):
        question_translations.read("m", path, "en")


def test_json_lines_round_trip(tmp_path: Path) -> None:
    table = mixed_table()
    jsonl.save(table, tmp_path / "rows.jsonl")
    assert ParallelTable.from_rows(jsonl.read("x", tmp_path / "rows.jsonl").rows).hash == table.hash


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "a", "qestion": {"en": "x"}}', "line 2: qestion: Extra inputs"),
        ('{"id": "a", "question": {"en": ""}}', "line 2: question.en"),
        ('{"question": {"en": "x"}}', "line 2: id"),
        ("{", "line 2: Invalid JSON"),
    ],
)
def test_error_names_the_invalid_line(line: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(f'{{"id": "fine"}}\n{line}\n')
    with pytest.raises(HybridBenchError, match=message):
        jsonl.read("x", tmp_path / "rows.jsonl")
