"""A suite: its settings, a part of it, and the texts that an encoder reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from ir_datasets.formats import GenericDoc, GenericQuery

from hybrid_bench import HybridBenchError, Setting, Suite
from hybrid_bench.plugin import Item
from hybrid_bench.datasets.settings import ALL
from hybrid_bench.datasets.sources.records import SentencePassage


def suite_of(docs: list[Any], queries: list[Any] | None = None, **more: Any) -> Suite:
    return Suite(
        name="toy",
        description="",
        languages=("de", "en"),
        passage_languages=("de", "en"),
        docs=lambda _: docs,
        queries=lambda _: queries or [],
        judgements=lambda _: [],
        **{"pooled": True} | more,
    )


PARALLEL = suite_of([])


def test_settings_are_every_query_language_on_every_pool_in_the_order_of_tables() -> None:
    assert PARALLEL.settings() == [
        Setting("de", "de"), Setting("de", "en"), Setting("de", "all"),
        Setting("en", "de"), Setting("en", "en"), Setting("en", "all"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        (Setting("de", "de"), "monolingual"),
        (Setting("de", "en"), "cross-lingual"),
        (Setting("de", ALL), "multilingual"),
    ],
)
def test_a_setting_knows_its_kind(setting: Setting, kind: str) -> None:
    assert setting.kind == kind


def test_a_suite_without_pools_is_monolingual_alone() -> None:
    assert suite_of([], pooled=False).settings() == [Setting("de", "de"), Setting("en", "en")]


def test_a_pool_of_all_needs_several_languages() -> None:
    assert dataclasses.replace(PARALLEL, passage_languages=("de",)).settings() == [Setting("de", "de"), Setting("en", "de")]


def test_a_restricted_suite_keeps_its_own_order_and_its_pool_shrinks() -> None:
    three = dataclasses.replace(PARALLEL, languages=("de", "en", "th"), passage_languages=("de", "en", "th"))
    restricted = three.restrict(["th", "de"])
    assert restricted.languages == restricted.passage_languages == ("de", "th")
    assert [setting.pool for setting in restricted.settings() if setting.query_language == "th"] == ["de", "th", "all"]
    assert three.languages == ("de", "en", "th")


def test_a_suite_restricted_to_one_language_is_monolingual() -> None:
    assert PARALLEL.restrict(["en"]).settings() == [Setting("en", "en")]


def test_an_unknown_language_is_named_with_the_nearest_or_the_known_ones() -> None:
    with pytest.raises(HybridBenchError, match=r"unknown language of toy 'end'\n  Did you mean en\?"):
        PARALLEL.restrict(["de", "end"])
    with pytest.raises(HybridBenchError, match=r"unknown language of toy 'fr'\n  Known: de, en\."):
        PARALLEL.restrict(["fr"])


SENTENCES = [
    SentencePassage("de-0000-00", "Erster.", "Titel", "Erster. Zweiter."),
    SentencePassage("de-0000-01", "Zweiter.", "Titel", "Erster. Zweiter."),
]


def test_an_encoder_reads_the_sentence_or_the_sentence_and_then_its_paragraph() -> None:
    suite = suite_of(SENTENCES)
    assert suite.passage_texts("de") == [Item("de-0000-00", "Erster."), Item("de-0000-01", "Zweiter.")]
    assert suite.passage_texts("de", "sentence") == suite.passage_texts("de")
    assert suite.passage_texts("de", "sentence+context") == [
        Item("de-0000-00", "Erster. Erster. Zweiter."),
        Item("de-0000-01", "Zweiter. Erster. Zweiter."),
    ]


def test_passages_without_a_paragraph_have_no_context_to_read() -> None:
    with pytest.raises(HybridBenchError, match="passages of toy have no paragraph\n  Use --passage-text sentence"):
        suite_of([GenericDoc("1", "Text.")]).passage_texts("de", "sentence+context")


def test_an_unknown_passage_text_is_named_with_the_nearest() -> None:
    with pytest.raises(HybridBenchError, match=r"unknown passage text 'sentense'\n  Did you mean sentence"):
        suite_of(SENTENCES).passage_texts("de", "sentense")  # type: ignore[arg-type]


READERS: list[tuple[str, Callable[[list[tuple[str, str]]], Callable[[str], list[Item]]]]] = [
    ("passage", lambda records: suite_of([GenericDoc(*record) for record in records]).passage_texts),
    ("query", lambda records: suite_of([], [GenericQuery(*record) for record in records]).query_texts),
]


@pytest.mark.parametrize(("what", "reader"), READERS, ids=["passages", "queries"])
@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ([("a", "A."), ("b", "B."), ("a", "C.")], "with id 'a' occurs twice"),
        ([("a", "A."), ("b", " \n")], "with id 'b' is empty"),
        ([("a", "A."), ("b", "B\x00")], "with id 'b' holds a NUL byte"),
    ],
)
def test_a_bad_text_is_named_by_suite_and_id(
    what: str, reader: Callable[[list[tuple[str, str]]], Callable[[str], list[Item]]], records: list[Any], problem: str
) -> None:
    with pytest.raises(HybridBenchError, match=f"the {what} of toy/de {problem}"):
        reader(records)("de")


@pytest.mark.parametrize(("what", "reader"), READERS, ids=["passages", "queries"])
def test_nothing_at_all_is_an_error(what: str, reader: Callable[[list[tuple[str, str]]], Callable[[str], list[Item]]]) -> None:
    with pytest.raises(HybridBenchError, match=f"there is no {what} of toy/de"):
        reader([])("de")
