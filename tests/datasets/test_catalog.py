"""Suites by name: the built-in ones, any ir_datasets id, pools over MIRACL, and what a wrong name is told."""

from __future__ import annotations

import itertools
import re

import pytest

from hybrid_bench import HybridBenchError, Setting, load_suite
from hybrid_bench.plugin import Item
from hybrid_bench.datasets.resolvers import SUITES
from hybrid_bench.datasets.languages import MIRACL, MLQA_R, XQUAD_R
from hybrid_bench.datasets.sources import lareqa


def test_the_built_in_suites_are_registered() -> None:
    assert {"mini", "miracl", "mlqa-r", "xquad-r"} <= set(SUITES)
    assert all(load_suite(name).name == name for name in ("mini", "miracl", "mlqa-r", "xquad-r"))


@pytest.mark.parametrize(("name", "languages"), [("mini", XQUAD_R), ("xquad-r", XQUAD_R), ("mlqa-r", MLQA_R)])
def test_a_parallel_suite_has_every_pair_of_languages_and_the_pool_of_all(name: str, languages: tuple[str, ...]) -> None:
    suite = load_suite(name)
    pairs = itertools.product(languages, (*languages, "all"))
    assert suite.settings() == [Setting(query_language, pool) for query_language, pool in pairs]
    assert (suite.primary, suite.pooled) == ("AP", True)


def test_miracl_is_asked_in_each_of_its_languages_alone() -> None:
    suite = load_suite("miracl")
    assert suite.settings() == [Setting(language, language) for language in MIRACL]
    assert suite.primary == "nDCG@10"


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("language", XQUAD_R)
def test_xquad_r_has_a_text_for_every_sentence_and_question(language: str) -> None:
    suite, collection = load_suite("xquad-r"), lareqa.load("xquad-r", language)
    assert suite.passage_texts(language) == [Item(passage.doc_id, passage.text) for passage in collection.passages]
    assert suite.query_texts(language) == [Item(*item) for item in collection.questions.items()]
    judged = [judgement.doc_id for judgement in suite.judgements(language) if judgement.doc_id.startswith(f"{language}-")]
    assert judged == [doc_id for question in collection.questions for doc_id in collection.relevant[question]]


def test_a_sentence_with_its_context_is_read_before_its_paragraph() -> None:
    ((_, alone), *_) = load_suite("mini").passage_texts("en")
    ((_, text), *_) = load_suite("mini").passage_texts("en", "sentence+context")
    assert text.startswith(f"{alone} {alone}")


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("name", "setting", "kind", "passages"),
    [
        ("xquad-r/de/en", Setting("en", "de"), "cross-lingual", 1276),
        ("xquad-r/de/de", Setting("de", "de"), "monolingual", 1276),
        ("xquad-r/all/en", Setting("en", "all"), "multilingual", 13_014),
        ("miracl/yo/dev", Setting("yo", "yo"), "monolingual", 49_043),
    ],
)
def test_a_single_entry_is_a_suite_with_one_setting(name: str, setting: Setting, kind: str, passages: int) -> None:
    suite = load_suite(name)
    assert suite.name == name
    assert suite.settings() == [setting]
    assert suite.settings()[0].kind == kind
    doc_ids = {passage.id for passage in suite.passage_texts(setting.pool)}
    assert len(doc_ids) == passages
    query_ids = {query.id for query in suite.query_texts(setting.query_language)}
    judgements = list(suite.judgements(setting.query_language))
    assert {judgement.query_id for judgement in judgements} == query_ids
    assert {judgement.doc_id for judgement in judgements} <= doc_ids


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("xqad-r", "Did you mean xquad-r"),
        ("mlqar", "Did you mean mlqa-r"),
        ("minni", "Did you mean mini"),
        ("xquad-r/de/enn", "Did you mean xquad-r/de/en"),
        ("miracl/yo/def", "Did you mean miracl/yo/dev"),
        ("0", "Known: mini, miracl, mlqa-r, xquad-r."),
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
    assert [(setting.query_language, setting.pool) for setting in suite.settings()] == [
        ("sw", "sw"), ("sw", "yo"), ("sw", "all"), ("yo", "sw"), ("yo", "yo"), ("yo", "all"),
    ]  # fmt: skip


@pytest.mark.usefixtures("shared")
def test_passages_of_a_pool_over_miracl_are_those_that_are_judged() -> None:
    suite = load_suite("miracl/sw+yo/dev").restrict(["yo"])
    doc_ids = {passage.id for passage in suite.passage_texts("yo")}
    judged = list(suite.judgements("yo"))
    assert len(doc_ids) == 49_043
    assert {judgement.doc_id for judgement in judged} <= doc_ids
    assert {judgement.query_id for judgement in judged} == {query.id for query in suite.query_texts("yo")}


def test_a_pool_over_miracl_asks_in_the_languages_that_have_the_split() -> None:
    suite = load_suite("miracl/sw+yo/train")
    assert (suite.languages, suite.passage_languages) == (("sw",), ("sw", "yo"))
    assert set(load_suite("miracl/all/train").languages) == set(MIRACL) - {"de", "yo"}
    with pytest.raises(HybridBenchError, match="no language of the pool de\\+yo has the split 'train'"):
        load_suite("miracl/de+yo/train")


def test_an_unknown_language_of_a_pool_over_miracl_is_named() -> None:
    with pytest.raises(HybridBenchError, match=r"unknown MIRACL language 'xx'"):
        load_suite("miracl/xx+yo/dev")
