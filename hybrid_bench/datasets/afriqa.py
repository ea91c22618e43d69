"""The suite ``afriqa``: questions in African languages, and the same questions in the language of their passages."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.sources import afriqa, published
from hybrid_bench.datasets.sources.records import Question, TextPassage
from hybrid_bench.datasets.suite import Suite


def _passages(pivot: str) -> Iterable[TextPassage]:
    return afriqa.load(pivot).passages


def _questions(language: str, translated: bool) -> Iterable[Question]:
    pool = afriqa.load(afriqa.PIVOTS[language])
    asked = (pool.translations if translated else pool.questions)[language]
    return [Question(*item) for item in asked.items()]


def _judgements(language: str) -> Iterable[Judgement]:
    pivot = afriqa.PIVOTS[language]
    pool = afriqa.load(pivot)
    return [Judgement(name, pivot, pool.relevant[name], 1) for name in pool.questions[language]]


def _query_set(language: str, translated: bool) -> QuerySet:
    pivot = afriqa.PIVOTS[language]
    return QuerySet(
        f"{language}-{pivot}" if translated else language,
        functools.partial(_questions, language, translated),
        functools.partial(_judgements, language),
        language=pivot if translated else language,
    )


def _suite() -> Suite:
    original = [_query_set(language, False) for language in afriqa.LANGUAGES]
    translated = [_query_set(language, True) for language in afriqa.LANGUAGES]
    pivots = dict.fromkeys(sorted(afriqa.PIVOTS.values()))
    return Suite(
        name=afriqa.NAME,
        description="AfriQA test: questions in nine African languages and their translations, on English and French passages",
        query_sets=(*original, *translated),
        collections=tuple(Collection(pivot, functools.partial(_passages, pivot), language=pivot) for pivot in pivots),
        settings=(
            *(Setting(one.name, afriqa.PIVOTS[one.name], "cross-lingual") for one in original),
            *(Setting(one.name, str(one.language), "monolingual") for one in translated),
        ),
        primary="AP",
        licence=published.source(afriqa.NAME)["licence"],
        citation=published.source(afriqa.NAME)["citation"].strip(),
        note="A pool is the gold passages in one language of all splits; near-duplicates of gold passages are unjudged.",
        unique_ids=True,
    )


AFRIQA = _suite()
