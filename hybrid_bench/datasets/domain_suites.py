"""Suites of several domains: ``squadshifts``, with pools of equal sizes, and ``squadshifts/full``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.sources import published, squadshifts
from hybrid_bench.datasets.sources.records import LanguageCollection, Question, SentencePassage
from hybrid_bench.datasets.suite import Suite

_Load = Callable[[str], LanguageCollection]


def _passages(load: _Load, domain: str) -> Iterable[SentencePassage]:
    return load(domain).passages


def _questions(load: _Load, domain: str) -> Iterable[Question]:
    return [Question(*item) for item in load(domain).questions.items()]


def _judgements(load: _Load, domain: str) -> Iterable[Judgement]:
    return [Judgement(name, domain, doc_id, 1) for name, found in load(domain).relevant.items() for doc_id in found]


def _suite(name: str, description: str, load: _Load, note: str) -> Suite:
    domains = tuple(squadshifts.DOMAINS)
    return Suite(
        name=name,
        description=description,
        query_sets=tuple(
            QuerySet(
                domain, functools.partial(_questions, load, domain), functools.partial(_judgements, load, domain), "en", domain
            )
            for domain in domains
        ),
        collections=tuple(Collection(domain, functools.partial(_passages, load, domain), "en", domain) for domain in domains),
        settings=(
            *(Setting(domain, domain, "in-domain") for domain in domains),
            *(Setting(domain, ALL, "all-domain") for domain in domains),
        ),
        pools={ALL: domains},
        primary="AP",
        licence=published.source(squadshifts.NAME)["licence"],
        citation=published.source(squadshifts.NAME)["citation"].strip(),
        note=note,
        unique_ids=True,
    )


SQUADSHIFTS = _suite(
    squadshifts.NAME,
    "SQuADShifts: questions on sentences of Wikipedia, Reddit and Amazon reviews, in pools of equal sizes",
    squadshifts.drawn,
    f"{squadshifts.PASSAGES:,} sentences and {squadshifts.QUESTIONS:,} questions of each domain, drawn with seed "
    f"{squadshifts.SEED}, so that scores on the domains can be compared.",
)
SQUADSHIFTS_FULL = _suite(
    f"{squadshifts.NAME}/full",
    "SQuADShifts whole: the domains have pools of different sizes",
    squadshifts.load,
    "The pools of the domains have different sizes: their scores cannot be compared with each other.",
)
