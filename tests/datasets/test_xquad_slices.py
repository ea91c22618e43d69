"""Slices of XQuAD-R: topics, question words, answer types."""

from __future__ import annotations

import csv
from collections import Counter
from importlib import resources

import pytest

from hybrid_bench import EvaluationOptions, evaluate, load_suite
from hybrid_bench.datasets import xquad_slices
from hybrid_bench.evaluation import gaps
from hybrid_bench.plugin import UnknownNameError
from hybrid_bench.reports.report import report
from tests.evaluation.test_gaps import Coarse
from tests.tiny_encoder import TinyEncoder

pytestmark = pytest.mark.usefixtures("shared")


def test_every_article_has_a_topic_and_a_reason() -> None:
    text = resources.files("hybrid_bench.datasets.sources").joinpath("xquad_topics.tsv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    assert len(rows) == len({row["article"] for row in rows}) == 48
    assert all(row["topic"] and row["reason"] for row in rows)


def test_questions_by_topic() -> None:
    topics = Counter(load_suite("xquad-r").slices["topic"]().values())
    assert topics == {"society": 274, "science": 248, "places": 192, "history": 188, "culture": 168, "technology": 120}


def test_every_question_of_every_language_is_in_a_slice() -> None:
    suite = load_suite("xquad-r+ro")
    for name in ("topic", "question-word", "answer-type"):
        slices = suite.slices[name]()
        assert all({query.id for query in suite.queries(language)} == set(slices) for language in ("en", "th", "ro"))


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("How many points did they surrender?", "how many"), ("How much did it cost?", "how many"), ("How did it end?", "how"),
        ("In what year was it?", "what"), ("To whom was it given?", "who"), ("Whatever. Who?", "who"), ("Name a city.", "other"),
        ("On which day?", "which"), ("WHY?", "why"),
    ],
)  # fmt: skip
def test_question_words(question: str, word: str) -> None:
    assert xquad_slices.question_word(question) == word


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("1685", "date"), ("the nineteenth century", "date"), ("March 2015", "date"), ("ten million", "number"),
        ("10%", "number"), ("17,786,419", "number"), ("Lady Gaga", "name"), ("the Sonia Shankman School", "name"),
        ("pasture for cattle", "phrase"),
    ],
)  # fmt: skip
def test_answer_types(answer: str, kind: str) -> None:
    assert xquad_slices.answer_type(answer) == kind


def test_a_report_by_topic_has_the_means_of_its_questions() -> None:
    options = EvaluationOptions(languages=("en", "de"))
    results = [evaluate(encoder, "xquad-r", options=options) for encoder in (TinyEncoder(), Coarse())]
    tables = {table.name: table for table in report(results, by=("topic",)).tables}
    table = tables["topic-cross-ap"]
    assert table.columns[0].label == "society (274)"
    topics = xquad_slices.SLICES["topic"]()
    values = {setting.name: found for setting, found in gaps.values(results[0], "AP").items()}
    both = [values["de:en"], values["en:de"]]
    expected = sum(float(found[[topics[name] == "science" for name in found.index]].mean()) for found in both) / 2
    assert table.means[1][0] == pytest.approx(expected)
    assert {one.queries for one in table.comparisons} == {274, 248, 192, 188, 168, 120}
    with pytest.raises(UnknownNameError, match="topics"):
        report(results, by=("topics",))
