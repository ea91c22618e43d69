"""The suite ``squad-dev-r``: SQuAD dev and its translations as sentence retrieval, for choosing between trainings.

It is made as XQuAD-R is (LAReQA, arXiv 2004.05484): whole paragraphs are cut into sentences, each sentence is a passage, and a
question's relevant passage is the sentence that contains the answer. It shares no question and no paragraph with XQuAD-R, so
choices that are made on it do not depend on XQuAD-R's scores. Training data leave out its articles with the recipe's
``data.held_out_articles``.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hybrid_bench.datasets import citations
from hybrid_bench.datasets.parts import Collection, Judgement, Query, QuerySet
from hybrid_bench.datasets.settings import ALL, language_settings
from hybrid_bench.datasets.sources import lareqa
from hybrid_bench.datasets.sources.records import LanguageCollection, SentencePassage, passage_id
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.training.data import sentences
from hybrid_bench.training.data.sources import read_source
from hybrid_bench.training.data.table import ParallelRow

NAME = "squad-dev-r"
SOURCE = "squad-translated"
#: Turkish is left out: in half of its paragraphs the answers are not marked.
LANGUAGES = ("da", "en", "es", "id", "it", "sv", "zh")
#: The articles of the suite, of 48: those whose titles have the smallest SHA-256, so that nobody chose them.
ARTICLES = 8
#: A question needs an answer in this many languages.
LEAST_LANGUAGES = 5


@dataclass
class _Paragraph:
    """The questions on a paragraph, and its text in each language."""

    title: str
    rows: list[ParallelRow] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def questions(self) -> Iterator[ParallelRow]:
        """The questions whose answer is marked in every language that has the paragraph.

        Other questions are left out: their answers would be passages without a judgement.
        """
        for row in self.rows:
            answered = all(row.context.get(of) == text and of in row.question for of, text in self.texts.items())
            if answered and len(self.texts) >= LEAST_LANGUAGES:
                yield row


@functools.cache
def load() -> dict[str, LanguageCollection]:
    """The collection of every language; ids of questions and paragraphs are the same in all of them.

    Raises:
        HybridBenchError: if a file cannot be downloaded or read.
    """
    collections: dict[str, LanguageCollection] = {}
    for language in LANGUAGES:
        passages: list[SentencePassage] = []
        questions: dict[str, str] = {}
        relevant: dict[str, list[str]] = {}
        for number, paragraph in enumerate(_paragraphs()):
            if language not in paragraph.texts:
                continue
            context = paragraph.texts[language]
            found = [
                SentencePassage(passage_id(language, number, index), context[start:end], paragraph.title, context)
                for index, (start, end) in enumerate(sentences.spans(context))
            ]
            passages += found
            for row in paragraph.questions():
                questions[row.id] = row.question[language]
                relevant[row.id] = [passage.doc_id for passage in found if passage.text == row.sentence[language]]
        collections[language] = LanguageCollection(language, passages, questions, relevant)
    return collections


@functools.cache
def _paragraphs() -> list[_Paragraph]:
    """The paragraphs of the suite's articles that are not XQuAD's, in the order of SQuAD."""
    rows = read_source(SOURCE).rows
    titles = sorted({row.article for row in rows}, key=lambda title: hashlib.sha256(title.encode()).hexdigest())
    chosen = set(titles[:ARTICLES])
    paragraphs: dict[str, _Paragraph] = {}
    for row in rows:
        if row.article in chosen:
            paragraphs.setdefault(row.context["en"], _Paragraph(row.article)).rows.append(row)
    in_test = lareqa.load("xquad-r", "en").questions
    kept = [one for one in paragraphs.values() if not any(row.id in in_test for row in one.rows)]
    for one in kept:
        for language in LANGUAGES:
            # The Chinese files translate many paragraphs twice: the first translation is used.
            text = next((row.context[language] for row in one.rows if language in row.context), None)
            if text is not None:
                one.texts[language] = text
    return kept


def _passages(language: str) -> Iterable[SentencePassage]:
    return load()[language].passages


def _queries(language: str) -> Iterable[Query]:
    from ir_datasets.formats import GenericQuery

    return (GenericQuery(question, text) for question, text in load()[language].questions.items())


def _judgements(language: str) -> Iterable[Judgement]:
    return (
        Judgement(question, other, doc_id, 1)
        for question in load()[language].questions
        for other in LANGUAGES
        for doc_id in load()[other].relevant.get(question, ())
    )


def _suite() -> Suite:
    collections = tuple(Collection(language, functools.partial(_passages, language), language=language) for language in LANGUAGES)
    query_sets = tuple(
        QuerySet(
            language,
            functools.partial(_queries, language),
            functools.partial(_judgements, language),
            language=language,
        )
        for language in LANGUAGES
    )
    return Suite(
        name=NAME,
        description="SQuAD dev as sentence retrieval in seven languages, for comparing trainings",
        query_sets=query_sets,
        collections=collections,
        settings=language_settings(query_sets, collections),
        pools={ALL: LANGUAGES},
        primary="AP",
        citation=citations.SQUAD,
        licence="CC BY-SA 4.0 (SQuAD); its translations also MIT and Apache-2.0",
        note="Machine translations. Encoders whose training data have its articles score too high.",
        unique_ids=True,
    )


SQUAD_DEV_R = _suite()
