"""XQuAD-R and MLQA-R against their published counts and against a second, independent reading of their files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench import HybridBenchError
from hybrid_bench.datasets.languages import MLQA_R, XQUAD_R
from hybrid_bench.datasets.sources import lareqa, squad

pytestmark = pytest.mark.usefixtures("shared")

LANGUAGES = {"xquad-r": XQUAD_R, "mlqa-r": MLQA_R}
COLLECTIONS = [(name, language) for name, languages in LANGUAGES.items() for language in languages]


def raw(shared: Path, name: str, language: str) -> dict[str, Any]:
    (file,) = (shared / "mirror").glob(f"raw.githubusercontent.com/google-research-datasets/lareqa/*/{name}/{language}.json")
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


@pytest.mark.parametrize("name", LANGUAGES)
def test_questions_and_candidates_are_as_many_as_lareqa_says(shared: Path, name: str) -> None:
    published = {
        row["language"]: (int(row["questions"]), int(row["candidates"]))
        for row in rows(shared / "facts" / "lareqa_counts.tsv")
        if row["dataset"] == name
    }
    found = {language: lareqa.load(name, language) for language in LANGUAGES[name]}
    assert {language: (len(part.questions), len(part.passages)) for language, part in found.items()} == published


def test_pairs_of_languages_in_mlqa_r_share_as_many_questions_as_published(shared: Path) -> None:
    published = {
        (row["q\\c"], pool): int(row[pool]) for row in rows(shared / "facts" / "mlqar_pair_counts.tsv") for pool in MLQA_R
    }
    questions = {language: set(lareqa.load("mlqa-r", language).questions) for language in MLQA_R}
    assert {(asked, pool): len(questions[asked] & questions[pool]) for asked in MLQA_R for pool in MLQA_R} == published


def test_xquad_r_asks_the_same_questions_in_every_language() -> None:
    ids = [list(lareqa.load("xquad-r", language).questions) for language in XQUAD_R]
    assert all(sorted(other) == sorted(ids[0]) for other in ids)


def test_mlqa_r_asks_each_question_in_two_to_four_languages() -> None:
    asked = [question for language in MLQA_R for question in lareqa.load("mlqa-r", language).questions]
    times = [asked.count(question) for question in set(asked)]
    assert {count: times.count(count) for count in set(times)} == {4: 820, 3: 263, 2: 65}


@pytest.mark.parametrize(("name", "language"), COLLECTIONS)
def test_the_relevant_sentence_is_the_one_in_which_the_answer_starts(shared: Path, name: str, language: str) -> None:
    collection = lareqa.load(name, language)
    sentences = {passage.doc_id: passage.text for passage in collection.passages}
    paragraphs = [paragraph for article in raw(shared, name, language)["data"] for paragraph in article["paragraphs"]]
    with_answer = total = 0
    for paragraph in paragraphs:
        sentence_at: dict[int, str] = {}
        for start, end in paragraph["sentence_breaks"]:
            for place in range(start, end):
                sentence_at.setdefault(place, paragraph["context"][start:end])
        for question in paragraph["qas"]:
            answer = question["answers"][0]
            total += 1
            relevant = [sentences[doc_id] for doc_id in collection.relevant[question["id"]]]
            assert set(relevant) == {sentence_at[answer["answer_start"]]}
            with_answer += answer["text"] in relevant[0]
    assert total == len(collection.relevant)
    assert with_answer > 0.97 * total, "an answer may run over the end of its sentence, but seldom does"


@pytest.mark.parametrize(("name", "language"), COLLECTIONS)
def test_a_passage_carries_its_paragraph_and_title(shared: Path, name: str, language: str) -> None:
    articles = raw(shared, name, language)["data"]
    expected = [
        (context[start:end], article["title"].replace("_", " "), context)
        for article in articles
        for paragraph in article["paragraphs"]
        for context in [paragraph["context"]]
        for start, end in paragraph["sentence_breaks"]
    ]
    found = lareqa.load(name, language).passages
    assert [(passage.text, passage.title, passage.context) for passage in found] == expected


def file_of(*paragraphs: dict[str, Any], title: str = "A_title") -> dict[str, Any]:
    return {"data": [{"title": title, "paragraphs": list(paragraphs)}]}


def paragraph_of(context: str, breaks: list[tuple[int, int]], **answers: int) -> dict[str, Any]:
    qas = [{"id": name, "question": f"{name}?", "answers": [{"text": "", "answer_start": at}]} for name, at in answers.items()]
    return {"context": context, "sentence_breaks": breaks, "sentences": [], "qas": qas}


def test_an_identical_sentence_of_the_paragraph_is_relevant_too() -> None:
    twice = paragraph_of("Yes. No. Yes.", [(0, 4), (5, 8), (9, 13)], first=0, second=5, third=9)
    elsewhere = paragraph_of("Yes.", [(0, 4)])
    relevant = squad.parse(file_of(twice, elsewhere), "en").relevant
    assert relevant == {
        "first": ["en-0000-00", "en-0000-02"],
        "second": ["en-0000-01"],
        "third": ["en-0000-00", "en-0000-02"],
    }


def test_a_sentence_ends_before_its_last_offset() -> None:
    paragraph = paragraph_of("One.Two.", [(0, 4), (4, 8)], last_of_one=3, first_of_two=4)
    assert squad.parse(file_of(paragraph), "en").relevant == {"last_of_one": ["en-0000-00"], "first_of_two": ["en-0000-01"]}


def test_an_answer_outside_every_sentence_is_named() -> None:
    with pytest.raises(HybridBenchError, match=r"question lost \(de\): no sentence of its paragraph holds offset 4"):
        squad.parse(file_of(paragraph_of("One. Two.", [(0, 4), (5, 9)], lost=4)), "de")


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """Files in LAReQA's format; few letters, so that sentences repeat."""
    number = iter(range(10_000))
    articles = []
    for _ in range(draw(st.integers(0, 3))):
        paragraphs = []
        for _ in range(draw(st.integers(0, 3))):
            context = draw(st.text("aä.", min_size=1, max_size=20))
            span = st.tuples(st.integers(0, len(context) - 1), st.integers(1, len(context))).filter(lambda s: s[0] < s[1])
            breaks = draw(st.lists(span, min_size=1, max_size=6))
            inside = sorted({place for start, end in breaks for place in range(start, end)})
            offsets = draw(st.lists(st.sampled_from(inside), max_size=4))
            paragraphs.append(paragraph_of(context, breaks, **{f"q{next(number)}": offset for offset in offsets}))
        articles.append({"title": draw(st.text("a_", max_size=4)), "paragraphs": paragraphs})
    return {"data": articles}


@given(files())
def test_any_file_parses_to_what_reading_it_letter_by_letter_gives(file: dict[str, Any]) -> None:
    passages, relevant, number = [], {}, 0
    for article in file["data"]:
        for paragraph in article["paragraphs"]:
            texts = [paragraph["context"][start:end] for start, end in paragraph["sentence_breaks"]]
            ids = [f"xx-{number:04d}-{place:02d}" for place in range(len(texts))]
            number += 1
            passages += zip(ids, texts, strict=True)
            for question in paragraph["qas"]:
                offset = question["answers"][0]["answer_start"]
                spans = paragraph["sentence_breaks"]
                answer = next(text for text, span in zip(texts, spans, strict=True) if offset in range(*span))
                relevant[question["id"]] = [doc_id for doc_id, text in zip(ids, texts, strict=True) if text == answer]
    found = squad.parse(file, "xx")
    assert [(passage.doc_id, passage.text) for passage in found.passages] == passages
    assert found.relevant == relevant
    assert found.questions == {question: f"{question}?" for question in relevant}
