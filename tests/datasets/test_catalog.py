"""Suites by name: the shipped ones, any ir_datasets id, pools over MIRACL, and suggestions for unknown names."""

from __future__ import annotations

import itertools
import re

import pytest

from hybrid_bench import HybridBenchError, Setting, load_suite
from hybrid_bench.datasets.languages import MIRACL, MLQA_R, XQUAD_R
from hybrid_bench.datasets.sources import lareqa
from hybrid_bench.plugin import SUITES, Item, UnknownNameError


def test_the_built_in_suites_are_registered() -> None:
    assert {"mini", "miracl", "mlqa-r", "xquad-r"} <= set(SUITES)
    assert all(load_suite(name).name == name for name in ("mini", "miracl", "mlqa-r", "xquad-r"))


@pytest.mark.parametrize(("name", "languages"), [("mini", XQUAD_R), ("xquad-r", XQUAD_R), ("mlqa-r", MLQA_R)])
def test_a_parallel_suite_has_every_pair_of_languages_and_the_pool_of_all(name: str, languages: tuple[str, ...]) -> None:
    suite = load_suite(name)
    pairs = [(setting.query_set, setting.pool) for setting in suite.settings]
    assert pairs == list(itertools.product(languages, (*languages, "all")))
    kinds = {(query_set, pool): kind for query_set, pool, kind in suite.settings}
    assert {pair for pair, kind in kinds.items() if kind == "monolingual"} == {(language, language) for language in languages}
    assert {pair for pair, kind in kinds.items() if kind == "multilingual"} == {(language, "all") for language in languages}
    assert set(kinds.values()) == {"monolingual", "cross-lingual", "multilingual"}
    assert (suite.primary, suite.pools) == ("AP", {"all": languages})
    assert [of.language for of in (*suite.query_sets, *suite.collections)] == [*languages, *languages]


def test_miracl_is_asked_in_each_of_its_languages_alone() -> None:
    suite = load_suite("miracl")
    assert suite.settings == tuple(Setting(language, language, "monolingual") for language in MIRACL)
    assert (suite.primary, suite.pools, suite.large) == ("nDCG@10", {}, True)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("language", XQUAD_R)
def test_xquad_r_has_a_text_for_every_sentence_and_question(language: str) -> None:
    suite, collection = load_suite("xquad-r"), lareqa.load("xquad-r", language)
    assert suite.passages(language) == [Item(passage.doc_id, passage.text) for passage in collection.passages]
    assert suite.queries(language) == [Item(*item) for item in collection.questions.items()]
    judgements = list(suite.query_set(language).judgements())
    judged = [judgement.doc_id for judgement in judgements if judgement.collection == language]
    assert judged == [doc_id for question in collection.questions for doc_id in collection.relevant[question]]
    assert {judgement.collection for judgement in judgements} == set(XQUAD_R)
    inside = {of: {passage.doc_id for passage in lareqa.load("xquad-r", of).passages} for of in XQUAD_R}
    assert all(judgement.doc_id in inside[judgement.collection] for judgement in judgements)


@pytest.mark.parametrize("name", ["mini", "xquad-r", "mlqa-r"])
@pytest.mark.usefixtures("shared")
def test_the_ids_of_a_parallel_suite_tell_their_collection(name: str) -> None:
    suite = load_suite(name)
    for of in suite.collections:
        ids = [passage.id for passage in suite.passages(of.name)]
        assert {suite.collection_of(doc_id) for doc_id in (ids[0], ids[-1])} == {of.name}
    assert suite.collection_of("xx-0000-00") is None


def test_a_sentence_with_its_context_is_read_before_its_paragraph() -> None:
    ((_, alone), *_) = load_suite("mini").passages("en")
    ((_, text), *_) = load_suite("mini").passages("en", "sentence+context")
    assert text.startswith(f"{alone} {alone}")


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("name", "setting", "passages"),
    [
        ("xquad-r/de/en", Setting("en", "de", "cross-lingual"), 1276),
        ("xquad-r/de/de", Setting("de", "de", "monolingual"), 1276),
        ("miracl/yo/dev", Setting("yo", "yo", "monolingual"), 49_043),
    ],
)
def test_a_single_entry_is_a_suite_with_one_setting(name: str, setting: Setting, passages: int) -> None:
    suite = load_suite(name)
    assert suite.name == name
    assert suite.settings == (setting,)
    assert suite.query_set(setting.query_set).language == setting.query_set
    assert suite.collection(setting.pool).language == setting.pool
    doc_ids = {passage.id for passage in suite.passages(setting.pool)}
    assert len(doc_ids) == passages
    query_ids = {query.id for query in suite.queries(setting.query_set)}
    judgements = list(suite.query_set(setting.query_set).judgements())
    assert {judgement.query_id for judgement in judgements} == query_ids
    assert {judgement.doc_id for judgement in judgements} <= doc_ids
    assert {judgement.collection for judgement in judgements} == {setting.pool}


@pytest.mark.usefixtures("shared")
def test_an_entry_of_all_languages_is_a_suite_with_a_pool_of_them() -> None:
    suite = load_suite("xquad-r/all/en")
    assert suite.settings == (Setting("en", "all", "multilingual"),)
    assert suite.pools == {"all": XQUAD_R}
    collections = [suite.collection(name) for name in suite.pools["all"]]
    assert [collection.language for collection in collections] == list(suite.pools["all"])
    passages = {name: {passage.id for passage in suite.passages(name)} for name in suite.pools["all"]}
    assert sum(map(len, passages.values())) == 13_014
    judgements = list(suite.query_set("en").judgements())
    assert {judgement.collection for judgement in judgements} == set(passages)
    assert all(judgement.doc_id in passages[judgement.collection] for judgement in judgements)


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("xqad-r", "Did you mean xquad-r"),
        ("mlqar", "Did you mean mlqa-r"),
        ("minni", "Did you mean mini"),
        ("xquad-r/de/enn", "Did you mean xquad-r/de/en"),
        ("miracl/yo/def", "Did you mean miracl/yo/dev"),
        ("0", f"Known: {', '.join(sorted(SUITES)[:20])}"),  # as many as an error lists
    ],
)
def test_a_wrong_name_is_told_the_nearest_ones(name: str, suggested: str) -> None:
    with pytest.raises(HybridBenchError, match=f"^unknown suite '{name}'\n  {re.escape(suggested)}"):
        load_suite(name)


@pytest.mark.parametrize("name", ["mini/de", "miracl/yo"])
def test_documents_alone_are_no_suite(name: str) -> None:
    with pytest.raises(HybridBenchError, match=f"the ir_datasets entry {name} has no queries and no qrels\n  Try {name}/"):
        load_suite(name)


def test_a_pool_over_miracl_is_a_suite() -> None:
    suite = load_suite("miracl/sw+yo/dev")
    assert suite.name == "miracl/sw+yo/dev"
    assert suite.settings == (
        Setting("sw", "sw", "monolingual"), Setting("sw", "yo", "cross-lingual"), Setting("sw", "all", "multilingual"),
        Setting("yo", "sw", "cross-lingual"), Setting("yo", "yo", "monolingual"), Setting("yo", "all", "multilingual"),
    )  # fmt: skip
    assert (suite.pools, suite.large) == ({"all": ("sw", "yo")}, True)
    assert suite.trec_id("yo", "7#0") == "yo-7#0"


def test_one_language_of_miracl_is_a_suite_without_a_pool() -> None:
    suite = load_suite("miracl/yo/dev")
    assert suite.settings == (Setting("yo", "yo", "monolingual"),)
    assert (suite.pools, suite.large, suite.languages) == ({}, True, ("yo",))
    assert suite.trec_id("yo", "7#0") == "7#0"


@pytest.mark.usefixtures("shared")
def test_passages_of_a_pool_over_miracl_are_those_that_are_judged() -> None:
    suite = load_suite("miracl/sw+yo/dev").restrict(["yo"])
    assert suite.collection("yo").count() == 49_043
    doc_ids = {passage.id for passage in suite.passages("yo")}
    judged = list(suite.query_set("yo").judgements())
    assert len(doc_ids) == 49_043
    assert {suite.trec_id(judgement.collection, judgement.doc_id) for judgement in judged} <= doc_ids
    assert {judgement.query_id for judgement in judged} == {query.id for query in suite.queries("yo")}
    assert {suite.collection_of(doc_id) for doc_id in doc_ids} == {"yo"}


def test_a_pool_over_miracl_asks_in_the_languages_that_have_the_split() -> None:
    suite = load_suite("miracl/sw+yo/train")
    assert [of.name for of in suite.query_sets] == ["sw"]
    assert [of.name for of in suite.collections] == ["sw", "yo"]
    assert {of.name for of in load_suite("miracl/all/train").query_sets} == set(MIRACL) - {"de", "yo"}
    with pytest.raises(HybridBenchError, match="no language of the pool de\\+yo has the split 'train'"):
        load_suite("miracl/de+yo/train")


def test_an_unknown_language_of_a_pool_over_miracl_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown MIRACL language 'xx'"):
        load_suite("miracl/xx+yo/dev")
