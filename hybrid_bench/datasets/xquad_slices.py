"""Slices of XQuAD-R's questions: topic, question word and type of answer.

They are read from the English files, so that the translations of a question are in the same slice.
"""

from __future__ import annotations

import csv
import functools
import json
import re
from collections.abc import Callable, Mapping
from importlib import resources
from typing import NamedTuple

from hybrid_bench.datasets.sources import lareqa

_WORD = re.compile(r"\b(how (?:many|much)|how|what|when|where|which|whose|whom|who|why)\b")
_SAME = {"whom": "who", "whose": "who", "how much": "how many"}
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(rf"\b(?:{_MONTHS})\b|\b1[0-9]{{3}}s?\b|\b20[0-9]{{2}}s?\b|\bcentur(?:y|ies)\b|\bBCE?\b")
_NUMBERS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty|hundred|thousand|million|billion"
_NUMBER = re.compile(rf"[0-9]|\b(?:{_NUMBERS})\b", re.IGNORECASE)


class Question(NamedTuple):
    """A question of XQuAD-R in English."""

    article: str
    text: str
    answer: str


@functools.cache
def topics() -> Mapping[str, str]:
    """Article to its topic; the table beside the sources states the reason of each."""
    text = resources.files("hybrid_bench.datasets.sources").joinpath("xquad_topics.tsv").read_text(encoding="utf-8")
    return {row["article"]: row["topic"] for row in csv.DictReader(text.splitlines(), delimiter="\t")}


def question_word(text: str) -> str:
    """The first question word of an English question: who, when, how many, ...; ``other`` if there is none."""
    found = _WORD.search(text.lower())
    return _SAME.get(found[1], found[1]) if found else "other"


def answer_type(answer: str) -> str:
    """``date``, ``number``, ``name`` (it begins with a capital letter) or ``phrase``, the first that fits an English answer."""
    if _DATE.search(answer):
        return "date"
    if _NUMBER.search(answer):
        return "number"
    return "name" if re.sub(r"^(?:the|a|an) ", "", answer.strip())[:1].isupper() else "phrase"


@functools.cache
def _questions() -> Mapping[str, Question]:
    articles = json.loads(lareqa.file("xquad-r", "en").read_text(encoding="utf-8"))["data"]
    return {
        question["id"]: Question(article["title"], question["question"], question["answers"][0]["text"])
        for article in articles
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    }


def _by(property_of: Callable[[Question], str]) -> dict[str, str]:
    return {name: property_of(question) for name, question in _questions().items()}


#: Name of a property to what gives question id to its value.
SLICES: Mapping[str, Callable[[], Mapping[str, str]]] = {
    "topic": lambda: _by(lambda question: topics()[question.article]),
    "question-word": lambda: _by(lambda question: question_word(question.text)),
    "answer-type": lambda: _by(lambda question: answer_type(question.answer)),
}
