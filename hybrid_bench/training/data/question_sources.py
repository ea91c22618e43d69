"""The suite ``question-sources``: questions of SQuAD, Natural Questions and TriviaQA on passages of Wikipedia.

Natural Questions and TriviaQA are those of DPR (arXiv 2004.04906), as ir_datasets has them in ``dpr-w100``: passages of 100
words. SQuAD's passages are its paragraphs, which are about as long. All are the development sets.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hybrid_bench.datasets import citations
from hybrid_bench.datasets.catalog import entry
from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.sources.records import Question, TextPassage
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data.readers import squad
from hybrid_bench.training.data.sources import sources

NAME = "question-sources"
#: Passages and questions of each domain; SQuAD's development set has 2,067 paragraphs.
PASSAGES, QUESTIONS, SEED = 2000, 1000, 1
#: Domain to its ir_datasets id and the least relevance of an answer: human gold in Natural Questions; in TriviaQA, which has no
#: gold passages, those that BM25 found and that contain the answer.
DPR = {"nq": ("dpr-w100/natural-questions/dev", 2), "trivia-qa": ("dpr-w100/trivia-qa/dev", 1)}
DOMAINS = ("squad", *DPR)


_CITATION = citations.cite(
    "rajpurkar-etal-2016-squad", "kwiatkowski-etal-2019-natural", "joshi-etal-2017-triviaqa", "karpukhin-etal-2020-dense"
)
_PLACE = (
    "ir_datasets reads docs.tsv.gz, nq-dev.json.gz and tqa-dev.json.gz (of dl.fbaipublicfiles.com/dpr) in its folder dpr-w100, "
    "with the package ijson."
)


@dataclass
class Asked:
    """The questions of a domain.

    Attributes:
        questions: id to text.
        relevant: question id to passage ids, the most relevant first.
        others: ids of passages that answer none, or may answer others.
        excluded: question id to ids of passages that hold its answer and are not known to answer it.
    """

    questions: dict[str, str]
    relevant: dict[str, list[str]]
    others: list[str]
    excluded: dict[str, set[str]]


def of_squad() -> tuple[Asked, Mapping[str, TextPassage]]:
    """The questions of SQuAD dev, and its paragraphs by id."""
    name = "squad-translated"
    (file,) = (one for one in sources()[name].files if one.language == "en")
    rows = [row for row in squad.read(name, {"en": [file.get(name, prefix="en-")]}).rows if "en" in row.context]
    numbers: dict[str, str] = {}
    passages: dict[str, TextPassage] = {}
    for row in rows:
        doc_id = numbers.setdefault(row.context["en"], f"{len(numbers):04d}")
        passages[doc_id] = TextPassage(doc_id, row.article, row.context["en"])
    relevant = {row.id: [numbers[row.context["en"]]] for row in rows}
    return Asked({row.id: row.question["en"] for row in rows}, relevant, list(passages), {}), passages


def of_dpr(dataset_id: str, least: int) -> Asked:
    """The questions of an entry of ``dpr-w100`` that have an answer.

    Raises:
        HybridBenchError: if its files cannot be had, or the package that reads them is missing.
    """
    found = entry(dataset_id)
    relevant: dict[str, list[str]] = {}
    excluded: dict[str, set[str]] = {}
    others: dict[str, None] = {}
    try:
        texts = {query.query_id: query.text for query in found.queries_iter()}
        for qrel in found.qrels_iter():
            if qrel.relevance >= least:
                relevant.setdefault(qrel.query_id, []).append(qrel.doc_id)
            elif qrel.relevance > 0:
                excluded.setdefault(qrel.query_id, set()).add(qrel.doc_id)
            else:
                others[qrel.doc_id] = None
    except (ImportError, HybridBenchError) as error:
        problem, remedy = (error.problem, error.remedy) if isinstance(error, HybridBenchError) else (str(error), "")
        raise HybridBenchError(f"cannot read {dataset_id}: {problem}", f"{_PLACE} {remedy}".strip()) from error
    return Asked({name: texts[name] for name in relevant}, relevant, list(others), excluded)


def draw(asked: Asked, passages: int | None, questions: int | None, seed: str) -> tuple[list[str], list[str]]:
    """Draw questions, the first answer of each, and other passages.

    Args:
        asked: what is drawn from.
        passages: that are drawn; None for all but those that may answer a question and are not known to.
        questions: that are drawn; None for all.
        seed: of the draw; the same seed gives the same draw on every machine.

    Returns:
        The ids of the questions and of the passages, sorted.

    Raises:
        HybridBenchError: if there are too few.
    """
    rng = random.Random(seed)  # noqa: S311 - nothing is secret
    every = sorted(asked.questions)
    chosen = every if questions is None else rng.sample(every, min(questions, len(every)))
    kept = dict.fromkeys(asked.relevant[name][0] for name in chosen)
    unclear = {doc_id for name in chosen for doc_id in (*asked.excluded.get(name, ()), *asked.relevant[name])}
    more = sorted(set(asked.others) - unclear - kept.keys())
    if passages is None or questions is None:
        relevant = {doc_id for name in chosen for doc_id in asked.relevant[name]}
        return sorted(chosen), sorted({*more, *relevant})
    if len(chosen) < questions or not 0 <= passages - len(kept) <= len(more):
        found = f"{len(asked.questions):,} questions and {len(kept) + len(more):,} passages"
        raise HybridBenchError(
            f"{seed} has {found}, and {questions:,} and {passages:,} are to be drawn",
            "Use the whole files; a part of them is a suite of your own, see docs/guides/own-collections.md.",
        )
    return sorted(chosen), sorted([*kept, *rng.sample(more, passages - len(kept))])


@dataclass(frozen=True)
class _Domain:
    name: str
    passages: int | None
    questions: int | None

    @functools.cached_property
    def _read(self) -> tuple[Asked, list[str], Mapping[str, TextPassage]]:
        asked, texts = of_squad() if self.name not in DPR else (of_dpr(*DPR[self.name]), {})
        names, doc_ids = draw(asked, self.passages, self.questions, f"{NAME}/{self.name}/{SEED}")
        if not texts:
            found = entry(DPR[self.name][0]).docs_store().get_many(doc_ids)
            if lost := sorted(set(doc_ids) - found.keys()):
                raise HybridBenchError(
                    f"dpr-w100 lacks {len(lost):,} judged passages, e.g. {lost[0]}",
                    "Delete docs.tsv.gz and docs.pklz4 in the folder dpr-w100 of ir_datasets, and run again.",
                )
            texts = {doc_id: TextPassage(doc_id, doc.title, doc.text) for doc_id, doc in found.items()}
        asked = Asked({name: asked.questions[name] for name in names}, asked.relevant, [], {})
        return asked, doc_ids, texts

    def collection(self) -> Iterator[TextPassage]:
        _, doc_ids, texts = self._read
        return (texts[doc_id]._replace(doc_id=f"{self.name}-{doc_id}") for doc_id in doc_ids)

    def queries(self) -> Iterable[Question]:
        return [Question(f"{self.name}-{name}", text) for name, text in self._read[0].questions.items()]

    def judgements(self, others: Iterable[_Domain]) -> Iterator[Judgement]:
        """The answers in the own pool, and the same passages in another."""
        asked = self._read[0]
        for other in others:
            if other is self or {other.name, self.name} <= DPR.keys():
                there = set(other._read[1])
                for name in asked.questions:
                    for doc_id in (one for one in asked.relevant[name] if one in there):
                        yield Judgement(f"{self.name}-{name}", other.name, f"{other.name}-{doc_id}", 1)


def suite(passages: int | None = PASSAGES, questions: int | None = QUESTIONS, name: str = NAME) -> Suite:
    """The suite.

    Args:
        passages: of each domain; None for all.
        questions: of each domain; None for all.
        name: of the suite.
    """
    if passages is None or questions is None:
        size = "whole: the domains have pools of different sizes"
        note = (
            "All questions, their answers, and the passages that hold no answer of any of them. The pools of the domains have "
            "different sizes: their scores cannot be compared with each other."
        )
    else:
        size = "in pools of equal sizes"
        note = (
            f"{passages:,} passages and {questions:,} questions of each domain, drawn with seed {SEED}: answers of the "
            "questions, and passages that do not hold their answers."
        )
    parts = [_Domain(name, passages, questions) for name in DOMAINS]
    return Suite(
        name=name,
        description=f"Questions of SQuAD, Natural Questions and TriviaQA on passages of Wikipedia, {size}",
        query_sets=tuple(
            QuerySet(one.name, one.queries, functools.partial(one.judgements, parts), "en", one.name) for one in parts
        ),
        collections=tuple(Collection(one.name, one.collection, "en", one.name) for one in parts),
        settings=(
            *(Setting(name, name, "in-domain") for name in DOMAINS),
            *(Setting(name, ALL, "all-domain") for name in DOMAINS),
        ),
        pools={ALL: DOMAINS},
        primary="AP",
        licence="CC BY-SA 4.0 (SQuAD), CC BY-SA 3.0 (Natural Questions), Apache-2.0 (TriviaQA); CC BY-SA (Wikipedia)",
        note=f"{note} In TriviaQA, passages that hold the answer are relevant.",
        unique_ids=True,
        citation=_CITATION,
    )


QUESTION_SOURCES = suite()
QUESTION_SOURCES_FULL = suite(None, None, f"{NAME}/full")
