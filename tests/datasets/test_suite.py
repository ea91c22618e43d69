"""A suite: its parts, restriction by language, passage ids, and what an encoder reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_datasets.formats import GenericDoc, GenericQuery

from hybrid_bench import Collection, HybridBenchError, Image, Judgement, QuerySet, Setting, Suite
from hybrid_bench.datasets.judged import judged_queries, qrels
from hybrid_bench.datasets.sources.records import SentencePassage
from hybrid_bench.plugin import ImagePassage, ImageQuery, Item, UnknownNameError
from tests.datasets import examples
from tests.evaluation.suites import collection, query_set


def suite_of(docs: list[Any], queries: list[Any] | None = None, **more: Any) -> Suite:
    """A suite of one German collection and query set."""
    return Suite(
        "toy",
        "",
        query_sets=(QuerySet("de", lambda: queries or [], lambda: [], language="de"),),
        collections=(Collection("de", lambda: docs, language="de"),),
        settings=(Setting("de", "de", "monolingual"),),
        **more,
    )


PARALLEL = examples.by_language(["de", "en"])


def test_parts_are_found_by_name() -> None:
    assert (PARALLEL.query_set("en").name, PARALLEL.collection("de").name) == ("en", "de")
    assert (PARALLEL.pool("all"), PARALLEL.pool("en")) == (("de", "en"), ("en",))
    with pytest.raises(UnknownNameError, match=r"unknown query set of toy 'de-at'\n  Did you mean de\?"):
        PARALLEL.query_set("de-at")
    with pytest.raises(UnknownNameError, match=r"unknown collection of toy 'fr'\n  Known: de, en\."):
        PARALLEL.collection("fr")
    with pytest.raises(UnknownNameError, match=r"unknown pool of toy 'al'\n  Did you mean all\?"):
        PARALLEL.pool("al")


def test_the_query_sets_that_are_asked_on_a_collection_are_those_of_all_pools_that_hold_it() -> None:
    three = examples.by_language(
        ["de", "en", "th"],
        pools={"western": ("de", "en")},
        settings=(
            Setting("th", "western", "multilingual"), Setting("de", "de", "monolingual"), Setting("en", "th", "cross-lingual"),
        ),
    )  # fmt: skip
    assert (three.asked_on("de"), three.asked_on("en"), three.asked_on("th")) == (("th", "de"), ("th",), ("en",))


def test_languages_and_modalities_are_those_of_its_parts() -> None:
    suite = Suite(
        "toy",
        "",
        query_sets=(examples.query_set("captions", language="en"), examples.query_set("topics", language="pt-BR")),
        collections=(examples.collection("photos", modality="image"), examples.collection("texts", language="de")),
        settings=(),
    )
    assert suite.languages == ("en", "pt-BR", "de")
    assert suite.modalities == {"text", "image"}
    assert PARALLEL.modalities == {"text"}


VALID = {
    "name": "toy",
    "description": "",
    "query_sets": (examples.query_set("de"),),
    "collections": (examples.collection("de"), examples.collection("en")),
    "settings": (Setting("de", "de", "monolingual"),),
    "pools": {"all": ("de", "en")},
}


def named(name: str) -> Collection:
    return examples.collection(name)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"query_sets": (examples.query_set("de"), examples.query_set("de"))}, "the query set 'de' is there twice"),
        ({"collections": (named("de"), named("en"), named("de"))}, "the collection or pool 'de' is there twice"),
        ({"pools": {"all": ("de", "en"), "en": ("de", "en")}}, "the collection or pool 'en' is there twice"),
        ({"pools": {"all": ("de", "fr")}}, "the pool 'all' names the collection 'fr', which it does not have"),
        ({"pools": {"all": ("de",)}}, "the pool 'all' is not of several collections"),
        ({"pools": {"all": ()}}, "the pool 'all' is not of several collections"),
        ({"pools": {"all": ("de", "de")}}, "the pool 'all' is not of several collections"),
        ({"settings": (Setting("fr", "de", "monolingual"),)}, "a setting names the query set 'fr', which it does not have"),
        ({"settings": (Setting("de", "fr", "monolingual"),)}, "a setting names the pool 'fr', which it does not have"),
        ({"settings": (Setting("de", "de", "mono"),)}, "there is no kind of settings 'mono'"),  # type: ignore[arg-type]
    ],
)
def test_parts_that_do_not_fit_together_are_an_error_that_names_the_suite_and_them(fields: dict[str, Any], problem: str) -> None:
    Suite(**VALID)  # type: ignore[arg-type]
    with pytest.raises(HybridBenchError) as refused:
        Suite(**VALID | fields)
    assert refused.value.problem == f"the suite 'toy': {problem}"
    assert refused.value.remedy


GOOD_NAMES = ["de", "zh-hans", "sr-latn", "pt-BR", "a.b_c+d", "1", "x-1-y"]
BAD_NAMES = ["", "-de", "de-", "zh--hans", "de/en", "de:en", "d e", "dé", "..", "de\n", ".de", "a" + "-" * 2]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_names_are_letters_digits_and_a_few_signs(name: str) -> None:
    suite = Suite("toy", "", (examples.query_set(name),), (named(name),), (Setting(name, name, "monolingual"),))
    assert suite.pool(name) == (name,)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_malformed_name_is_an_error(name: str) -> None:
    for fields in ({"query_sets": (examples.query_set(name),)}, {"collections": (named(name),)}, {"pools": {name: ("de", "en")}}):
        with pytest.raises(HybridBenchError) as refused:
            Suite(**VALID | fields)  # type: ignore[arg-type]
        assert f"the suite 'toy': {name!r} cannot be the name of a" in refused.value.problem


def test_a_restricted_suite_keeps_its_own_order_and_its_pool_shrinks() -> None:
    three = examples.by_language(["de", "en", "th"])
    restricted = three.restrict(["th", "de"])
    assert restricted.languages == ("de", "th")
    assert [of.name for of in restricted.query_sets] == [of.name for of in restricted.collections] == ["de", "th"]
    assert restricted.pool("all") == ("de", "th")
    assert [setting.pool for setting in restricted.settings if setting.query_set == "th"] == ["de", "th", "all"]
    assert three.languages == ("de", "en", "th")


def test_a_restricted_suite_is_named_by_its_base_and_its_languages() -> None:
    three = examples.by_language(["de", "en", "th"])
    once = three.restrict(["th", "de"])
    again = once.restrict(["th"])
    assert (three.base_name, once.name, once.base_name) == ("toy", "toy+de+th", "toy")
    assert (again.name, again.base_name, again.asked_as) == ("toy+th", "toy", "toy")


def test_a_suite_restricted_to_one_language_is_monolingual() -> None:
    alone = PARALLEL.restrict(["en"])
    assert alone.settings == (Setting("en", "en", "monolingual"),)
    assert alone.pools == {}


def test_a_restriction_changes_no_passage_id() -> None:
    apart = examples.by_language(["zh", "zh-hans", "en"])
    for languages in (["zh"], ["en", "zh-hans"]):
        part = apart.restrict(languages)
        for name in languages:
            assert part.passages(name) == apart.passages(name)
            assert part.collection_of(part.passages(name)[0].id) == name
    assert apart.restrict(["zh"]).collection_of(apart.trec_id("en", "1")) is None


def test_parts_without_a_language_stay_in_a_restricted_suite() -> None:
    photos = examples.collection("photos", modality="image")
    suite = dataclasses.replace(PARALLEL, collections=(*PARALLEL.collections, photos), prefixed=None)
    restricted = suite.restrict(["de"])
    assert [of.name for of in restricted.collections] == ["de", "photos"]


def test_an_unknown_language_is_named_with_the_nearest_or_the_known_ones() -> None:
    with pytest.raises(HybridBenchError, match=r"unknown language of toy 'end'\n  Did you mean en\?"):
        PARALLEL.restrict(["de", "end"])
    with pytest.raises(HybridBenchError, match=r"unknown language of toy 'fr'\n  Known: de, en\."):
        PARALLEL.restrict(["fr"])


SCRIPTS = ["zh", "zh-hans", "sr-latn", "sr"]
JUDGED = {
    "zh-hans": [Judgement("q1", "zh-hans", "1", 1), Judgement("q1", "sr-latn", "1", 2), Judgement("q2", "zh", "3", 1)],
    "sr-latn": [Judgement("q2", "sr-latn", "2", 1), Judgement("q2", "sr", "2", 0)],
}


@pytest.mark.parametrize("unique", [False, True])
def test_restricting_by_tags_with_a_script_keeps_their_judgements(unique: bool) -> None:
    ids = {name: [f"{number}{name}" for number in "123"] for name in SCRIPTS} if unique else None
    judged = {
        name: [j._replace(doc_id=j.doc_id + (j.collection if unique else "")) for j in found] for name, found in JUDGED.items()
    }
    whole = examples.by_language(SCRIPTS, judged, ids, unique_ids=unique)
    part = whole.restrict(["sr-latn", "zh-hans"])
    assert list(part.query_set("zh-hans").judgements()) == judged["zh-hans"][:2]
    assert list(part.query_set("sr-latn").judgements()) == judged["sr-latn"][:1]
    found = judged_queries(part)
    assert {name: [query.id for query in of.queries] for name, of in found.items()} == {"zh-hans": ["q1"], "sr-latn": ["q2"]}
    inside = {passage.id for name in ("sr-latn", "zh-hans") for passage in part.passages(name)}
    setting = Setting("zh-hans", "all", "multilingual")
    grades = qrels(part, setting, found["zh-hans"].judgements)
    assert sorted(grades["q1"].values()) == [1, 2]
    assert set(grades["q1"]) < inside
    assert grades == {"q1": qrels(whole, setting, judged["zh-hans"])["q1"]}


def test_passage_ids_begin_with_the_collection_where_several_are_searched_together() -> None:
    assert [passage.id for passage in PARALLEL.passages("de")] == ["de-1", "de-2", "de-3"]
    assert PARALLEL.trec_id("en", "3") == "en-3"
    alone = examples.by_language(["de"], pools={}, settings=(Setting("de", "de", "monolingual"),))
    assert [passage.id for passage in alone.passages("de")] == ["1", "2", "3"]


def test_passage_ids_begin_with_the_collection_where_a_query_set_is_asked_on_several_without_a_pool() -> None:
    settings = (Setting("de", "de", "monolingual"), Setting("de", "en", "cross-lingual"))
    suite = examples.by_language(["de", "en"], pools={}, settings=settings)
    assert [passage.id for passage in suite.passages("en")] == ["en-1", "en-2", "en-3"]
    apart = examples.by_language(["de", "en"], pools={}, settings=(settings[0], Setting("en", "en", "monolingual")))
    assert [passage.id for passage in apart.passages("en")] == ["1", "2", "3"]


def test_unique_ids_are_left_as_they_are() -> None:
    suite = examples.by_language(["de", "en"], doc_ids={"de": ["1", "4"], "en": ["2", "3"]}, unique_ids=True)
    assert [passage.id for passage in suite.passages("de")] == ["1", "4"]
    assert [suite.collection_of(doc_id) for doc_id in ("1", "2", "3", "4", "5")] == ["de", "en", "en", "de", None]


def test_a_name_that_begins_with_another_one_is_separated_by_two_hyphens() -> None:
    suite = examples.by_language(["zh", "zh-hans", "sr-latn"], doc_ids={"zh": ["hans-1"], "zh-hans": ["1"], "sr-latn": ["1"]})
    ids = {name: suite.passages(name)[0].id for name in ("zh", "zh-hans", "sr-latn")}
    assert ids == {"zh": "zh--hans-1", "zh-hans": "zh-hans--1", "sr-latn": "sr-latn--1"}
    assert {name: suite.collection_of(doc_id) for name, doc_id in ids.items()} == {name: name for name in ids}
    assert examples.by_language(["zh-hans", "sr-latn"]).trec_id("zh-hans", "1") == "zh-hans-1"


names = st.from_regex(r"[a-c](-?[a-c.+_]){0,3}", fullmatch=True)
doc_ids = st.text("ab-", min_size=1, max_size=4)


@given(st.sets(names, min_size=2, max_size=4), st.lists(doc_ids, min_size=1, max_size=4, unique=True))
def test_passage_ids_are_unique_and_tell_their_collection_whatever_the_names(found: set[str], ids: list[str]) -> None:
    suite = examples.by_language(sorted(found), doc_ids=dict.fromkeys(found, ids))
    pairs = {(name, doc_id): suite.trec_id(name, doc_id) for name in found for doc_id in ids}
    assert len(set(pairs.values())) == len(pairs)
    assert {pair: suite.collection_of(trec_id) for pair, trec_id in pairs.items()} == {pair: pair[0] for pair in pairs}
    assert suite.collection_of("z-1") is None


def test_a_judgement_of_a_collection_that_the_suite_does_not_have_is_an_error() -> None:
    lost = examples.by_language(["de", "en"], {"de": [Judgement("q1", "de", "1", 1), Judgement("q2", "fr", "1", 1)]})
    for read in (
        lambda: judged_queries(lost),
        lambda: judged_queries(lost.restrict(["de"])),
        lambda: qrels(lost, lost.settings[0], lost.query_set("de").judgements()),
    ):
        with pytest.raises(HybridBenchError, match=r"a judgement of query 'q2' names the collection 'fr'.* toy\S* does not have"):
            read()


def test_only_relevant_passages_are_counted() -> None:
    irrelevant = [Judgement("q1", "de", "1", 0), Judgement("q2", "en", "1", -1)]
    with pytest.raises(HybridBenchError, match="no query of toy has a relevant passage\n  Check its qrels"):
        judged_queries(examples.by_language(["de", "en"], {"de": irrelevant}))
    suite = examples.by_language(["de", "en"], {"de": [*irrelevant, Judgement("q2", "de", "2", 3)]})
    found = judged_queries(suite)
    assert [query.id for query in found["de"].queries] == ["q2"]
    assert list(found) == ["de"]
    assert qrels(suite, Setting("de", "de", "monolingual"), suite.query_set("de").judgements()) == {"q2": {"de-2": 3}}
    assert qrels(suite, Setting("de", "en", "cross-lingual"), suite.query_set("de").judgements()) == {}


SENTENCES = [
    SentencePassage("de-0000-00", "Erster.", "Titel", "Erster. Zweiter."),
    SentencePassage("de-0000-01", "Zweiter.", "Titel", "Erster. Zweiter."),
]


def test_an_encoder_reads_the_sentence_or_the_sentence_and_then_its_paragraph() -> None:
    suite = suite_of(SENTENCES)
    assert suite.passages("de") == [Item("de-0000-00", "Erster."), Item("de-0000-01", "Zweiter.")]
    assert suite.passages("de", "sentence") == suite.passages("de") == list(suite.passage_stream("de"))
    assert suite.passages("de", "sentence+context") == [
        Item("de-0000-00", "Erster. Erster. Zweiter."),
        Item("de-0000-01", "Zweiter. Erster. Zweiter."),
    ]


def test_passages_without_a_paragraph_have_no_context_to_read() -> None:
    with pytest.raises(HybridBenchError, match="passages of toy have no paragraph\n  Use --passage-text sentence"):
        suite_of([GenericDoc("1", "Text.")]).passages("de", "sentence+context")


def test_an_unknown_passage_text_is_named_with_the_nearest() -> None:
    with pytest.raises(HybridBenchError, match=r"unknown passage text 'sentense'\n  Did you mean sentence"):
        suite_of(SENTENCES).passages("de", "sentense")  # type: ignore[arg-type]


def test_images_are_read_beside_texts() -> None:
    red, blue = (Image.from_bytes(content) for content in (b"red", b"blue"))
    suite = Suite(
        "pictures",
        "",
        query_sets=(
            QuerySet("captions", lambda: [GenericQuery("q", "A red one.")], lambda: [Judgement("q", "photos", "1", 1)]),
            QuerySet("photos", lambda: [ImageQuery("q", red)], lambda: [Judgement("q", "captions", "1", 1)], modality="image"),
        ),
        collections=(
            Collection("photos", lambda: [ImagePassage("1", red), ImagePassage("2", blue)], modality="image"),
            Collection("captions", lambda: [GenericDoc("1", "A red one.")]),
        ),
        settings=(Setting("captions", "photos", "text-to-image"), Setting("photos", "captions", "image-to-text")),
    )
    assert suite.passages("photos") == [Item("1", red), Item("2", blue)]
    assert suite.queries("photos") == [Item("q", red)]
    assert suite.passages("captions") == [Item("1", "A red one.")]


@pytest.mark.parametrize("modality", ["text", "image"])
def test_a_record_of_another_modality_is_an_error(modality: Any) -> None:
    other: Any = Image.from_bytes(b"red") if modality == "text" else "A text."
    docs = [ImagePassage("1", other) if modality == "text" else GenericDoc("1", other)]
    queries = [ImageQuery("q", other) if modality == "text" else GenericQuery("q", other)]
    suite = Suite(
        "toy",
        "",
        (QuerySet("a", lambda: queries, lambda: [], modality=modality),),
        (Collection("a", lambda: docs, modality=modality),),
        (),
    )
    with pytest.raises(HybridBenchError, match=f"the passage of toy/a with id '1' is not of modality '{modality}'"):
        suite.passages("a")
    with pytest.raises(HybridBenchError, match=f"the query of toy/a with id 'q' is not of modality '{modality}'"):
        suite.queries("a")


READERS: list[tuple[str, Callable[[list[tuple[str, str]]], Callable[[str], list[Item]]]]] = [
    ("passage", lambda records: suite_of([GenericDoc(*record) for record in records]).passages),
    ("query", lambda records: suite_of([], [GenericQuery(*record) for record in records]).queries),
]


@pytest.mark.parametrize(("what", "reader"), READERS, ids=["passages", "queries"])
@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ([("a", "A."), ("b", "B."), ("a", "C.")], "with id 'a' occurs twice"),
        ([("a", "A."), ("b", "B\x00")], "with id 'b' contains a NUL byte"),
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


def test_a_restriction_leaves_out_what_no_setting_needs_any_more() -> None:
    """A Thai query set on an English collection of its own: without Thai neither is read."""
    of = (collection("en", {"1": "rain"}, language="en"), collection("en-of-th", {"1": "rain"}, language="en"))
    asked = tuple(
        query_set(name, {"a": "rain?"}, {"a": {(pool, "1"): 1}}, language=name)
        for name, pool in (("en", "en"), ("th", "en-of-th"))
    )
    settings = (Setting("en", "en", "monolingual"), Setting("th", "en-of-th", "cross-lingual"))
    restricted = Suite("pairs", "Pairs", asked, of, settings).restrict(["en"])
    assert [part.name for part in (*restricted.query_sets, *restricted.collections)] == ["en", "en"]
    assert restricted.settings == settings[:1]
