"""``mini``: whole, parallel and in the right script in every language."""

from __future__ import annotations

import itertools
import unicodedata
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench.datasets.languages import XQUAD_R
from hybrid_bench.datasets.sources import mini
from hybrid_bench.support import toml

SCRIPTS = dict.fromkeys(XQUAD_R, "LATIN") | {
    "ar": "ARABIC", "el": "GREEK", "hi": "DEVANAGARI", "ru": "CYRILLIC", "th": "THAI", "zh": "CJK",
}  # fmt: skip
#: Thai has none of its own; some of its questions end with the Western one.
QUESTION_MARKS = {language: "?" for language in XQUAD_R if language != "th"} | {"ar": "؟", "el": ";\u037e", "zh": "？"}


def topics() -> dict[str, dict[str, Any]]:
    folder = Path(str(resources.files("hybrid_bench.datasets.sources") / "mini"))
    return {file.stem: toml.load(file) for file in sorted(folder.glob("*.toml"))}


TOPICS = topics()


def texts(language: str) -> dict[str, list[str]]:
    return {
        part: [entry[language] for topic in TOPICS.values() for entry in topic[part]] for part in ("sentences", "questions")
    } | {"titles": [topic["title"][language] for topic in TOPICS.values()]}


def letters_by_script(text: str) -> dict[str, int]:
    scripts = [unicodedata.name(letter, "NONE").split()[0] for letter in text if unicodedata.category(letter)[0] in "LM"]
    return {script: scripts.count(script) for script in set(scripts)}


def test_it_is_large_enough_to_tell_encoders_apart() -> None:
    sentences = [len(topic["sentences"]) for topic in TOPICS.values()]
    assert len(TOPICS) == 15
    assert set(sentences) <= {4, 5, 6}
    assert sum(len(topic["questions"]) for topic in TOPICS.values()) >= 36


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_says_everything_in_every_language(name: str) -> None:
    topic = TOPICS[name]
    assert set(topic) == {"id", "title", "sentences", "questions"}
    assert topic["id"] == name
    assert sorted(topic["title"]) == sorted(XQUAD_R)
    assert all(sorted(sentence) == sorted(XQUAD_R) for sentence in topic["sentences"])
    assert all(sorted(question) == sorted((*XQUAD_R, "answer")) for question in topic["questions"])


@pytest.mark.parametrize("name", TOPICS)
def test_every_question_is_answered_by_a_sentence_of_its_topic_and_no_two_by_the_same(name: str) -> None:
    answers = [question["answer"] for question in TOPICS[name]["questions"]]
    assert set(answers) <= set(range(len(TOPICS[name]["sentences"])))
    assert len(set(answers)) == len(answers)


@pytest.mark.parametrize("language", XQUAD_R)
def test_texts_are_in_the_script_of_their_language(language: str) -> None:
    for text in itertools.chain.from_iterable(texts(language).values()):
        found = letters_by_script(text)
        assert found.get(SCRIPTS[language], 0) > 0.8 * sum(found.values()), text


@pytest.mark.parametrize("language", XQUAD_R)
def test_texts_are_clean(language: str) -> None:
    for text in itertools.chain.from_iterable(texts(language).values()):
        assert text == " ".join(text.split())
        assert text == unicodedata.normalize("NFC", text)
        assert not {unicodedata.category(letter) for letter in text} & {"Cc", "Cf", "Cn", "Co", "Cs"}, text


@pytest.mark.parametrize("language", QUESTION_MARKS)
def test_questions_end_with_a_question_mark_and_sentences_do_not(language: str) -> None:
    found = texts(language)
    assert all(question[-1] in QUESTION_MARKS[language] for question in found["questions"])
    assert not any(sentence[-1] in QUESTION_MARKS[language] for sentence in found["sentences"])
    if language == "es":
        assert all("¿" in question for question in found["questions"])


def test_no_text_occurs_twice() -> None:
    for part in ("sentences", "questions"):
        every = [text for language in XQUAD_R for text in texts(language)[part]]
        assert len(set(every)) == len(every)


def test_no_question_repeats_its_answer() -> None:
    for topic in TOPICS.values():
        for question in topic["questions"]:
            for language in XQUAD_R:
                answer = topic["sentences"][question["answer"]][language]
                assert question[language].rstrip("?؟;？") not in answer


@pytest.mark.parametrize("language", XQUAD_R)
def test_it_loads_as_its_files_say(language: str) -> None:
    collection = mini.load(language)
    numbers = {name: number for number, name in enumerate(TOPICS)}
    assert [passage.text for passage in collection.passages] == texts(language)["sentences"]
    assert list(collection.questions.values()) == texts(language)["questions"]
    assert collection.relevant == {
        f"{name}-{at}": [f"{language}-{numbers[name]:04d}-{question['answer']:02d}"]
        for name, topic in TOPICS.items()
        for at, question in enumerate(topic["questions"], start=1)
    }


@pytest.mark.parametrize("language", XQUAD_R)
def test_a_paragraph_is_its_sentences_in_order(language: str) -> None:
    for context, group in itertools.groupby(mini.load(language).passages, key=lambda passage: passage.context):
        sentences = [passage.text for passage in group]
        assert 4 <= len(sentences) <= 6
        assert context == ("" if language == "zh" else " ").join(sentences)


def test_the_same_sentence_has_the_same_number_in_every_language() -> None:
    numbers = [[passage.doc_id.partition("-")[2] for passage in mini.load(language).passages] for language in XQUAD_R]
    assert all(other == numbers[0] for other in numbers)
