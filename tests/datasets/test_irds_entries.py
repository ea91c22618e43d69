"""The entries in ir_datasets: what a program sees that knows nothing of this project."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import ir_datasets
import pytest

import hybrid_bench
from hybrid_bench.datasets.languages import MLQA_R, XQUAD_R

LANGUAGES = {"xquad-r": XQUAD_R, "mlqa-r": MLQA_R, "mini": XQUAD_R}
SIZES = {"xquad-r": 13_014, "mlqa-r": 20_534, "mini": 825}
ENTRIES = [
    (name, pool, language) for name, languages in LANGUAGES.items() for pool in (*languages, "all") for language in languages
]


@pytest.fixture(scope="module", autouse=True)
def _registered(shared: Path) -> None:
    hybrid_bench.register()


def load(name: str) -> Any:
    return ir_datasets.load(name)


def test_registering_twice_changes_nothing() -> None:
    before = {name: ir_datasets.registry[name] for name in ir_datasets.registry}
    hybrid_bench.register()
    assert {name: ir_datasets.registry[name] for name in ir_datasets.registry} == before


def test_there_is_an_entry_for_every_pool_and_query_language() -> None:
    counts = {name: sum(entry[0] == name for entry in ENTRIES) for name in LANGUAGES}
    assert counts == {"xquad-r": 132, "mlqa-r": 56, "mini": 132}
    registered = set(ir_datasets.registry)
    assert {f"{name}/{pool}/{language}" for name, pool, language in ENTRIES} <= registered
    assert {f"{name}/{pool}" for name, pool, _ in ENTRIES} | set(LANGUAGES) <= registered


@pytest.mark.parametrize(("name", "language"), [(name, language) for name in LANGUAGES for language in LANGUAGES[name]])
def test_questions_of_a_language_have_answers_in_every_pool_that_lists_them(name: str, language: str) -> None:
    for pool in (*LANGUAGES[name], "all"):
        entry = load(f"{name}/{pool}/{language}")
        queries = {query.query_id: query.text for query in entry.queries_iter()}
        qrels = list(entry.qrels_iter())
        doc_ids = {doc.doc_id for doc in entry.docs_iter()}
        assert queries
        assert all(text.strip() for text in queries.values())
        assert {qrel.query_id for qrel in qrels} == set(queries)
        assert {qrel.doc_id for qrel in qrels} <= doc_ids
        assert len({(qrel.query_id, qrel.doc_id) for qrel in qrels}) == len(qrels)
        assert {qrel.relevance for qrel in qrels} == {1}
        language_of = {doc.doc_id: of for of in LANGUAGES[name] for doc in load(f"{name}/{of}").docs_iter()}
        assert all(qrel.iteration == language_of[qrel.doc_id] for qrel in qrels)


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_pool_of_all_is_every_language_in_turn(name: str) -> None:
    everything = list(load(f"{name}/all").docs_iter())
    in_turn = [doc for language in LANGUAGES[name] for doc in load(f"{name}/{language}").docs_iter()]
    assert everything == in_turn
    assert len(everything) == load(f"{name}/all").docs_count() == SIZES[name]


@pytest.mark.parametrize("name", LANGUAGES)
def test_ids_are_unique_and_sort_by_language(name: str) -> None:
    ids = [doc.doc_id for doc in load(f"{name}/all").docs_iter()]
    assert len(set(ids)) == len(ids)
    language_of = {doc.doc_id: of for of in LANGUAGES[name] for doc in load(f"{name}/{of}").docs_iter()}
    languages = [language for language, _ in itertools.groupby(sorted(ids), key=language_of.__getitem__)]
    assert languages == list(LANGUAGES[name])


def test_the_pool_of_all_judges_what_the_single_pools_judge() -> None:
    together = {(qrel.query_id, qrel.doc_id) for qrel in load("mlqa-r/all/de").qrels_iter()}
    apart = {(qrel.query_id, qrel.doc_id) for pool in MLQA_R for qrel in load(f"mlqa-r/{pool}/de").qrels_iter()}
    assert together == apart


def test_a_document_is_found_by_its_id() -> None:
    store = load("xquad-r/de").docs_store()
    first, second = list(load("xquad-r/de").docs_iter())[:2]
    assert store.get(first.doc_id) == first
    assert store.get(first.doc_id, "text") == first.text
    assert store.get_many([second.doc_id, first.doc_id]) == {first.doc_id: first, second.doc_id: second}
    assert list(store.get_many_iter([second.doc_id, first.doc_id])) == [second, first]


def test_an_unknown_id_is_a_key_error_alone_and_is_left_out_among_others() -> None:
    store = load("xquad-r/de").docs_store()
    with pytest.raises(KeyError, match="de-9999-00"):
        store.get("de-9999-00")
    assert list(store.get_many(["de-9999-00", "de-0000-00", "en-0000-00"])) == ["de-0000-00"]


def test_a_store_of_all_holds_every_language() -> None:
    store = load("mini/all").docs_store()
    assert sorted(store.get_many(["th-0000-00", "de-0000-00"])) == ["de-0000-00", "th-0000-00"]


def test_documents_can_be_sliced_as_elsewhere_in_ir_datasets() -> None:
    everything = list(load("mini/all").docs_iter())
    docs = load("mini/all").docs_iter
    assert list(docs()[:3]) == everything[:3]
    assert list(docs()[10:20:4]) == everything[10:20:4]
    assert list(docs()[-2:]) == everything[-2:]
    assert list(docs()[5:][1:3]) == everything[6:8]
    assert next(docs()[5:8]) == everything[5]
    assert docs()[7] == everything[7]
    assert docs()[-1] == everything[-1]
    with pytest.raises(IndexError):
        docs()[len(everything)]


def test_documents_can_be_read_twice_and_side_by_side() -> None:
    entry = load("mini/en")
    assert list(entry.docs_iter()) == list(entry.docs_iter())
    pairs = list(zip(entry.docs_iter(), entry.docs_iter(), strict=True))
    assert len(pairs) == entry.docs_count()
    assert all(one == other for one, other in pairs)


def test_entries_say_their_language_and_namespace() -> None:
    assert (load("xquad-r/de").docs_lang(), load("xquad-r/all").docs_lang()) == ("de", None)
    entry = load("xquad-r/de/en")
    assert (entry.docs_lang(), entry.queries_lang()) == ("de", "en")
    assert (entry.docs_namespace(), entry.queries_namespace()) == ("xquad-r/de", "xquad-r/en")
    assert entry.qrels_defs() == {1: "holds the answer"}
    assert entry.docs_cls()._fields == ("doc_id", "text", "title", "context")


def test_entries_share_the_documents_of_their_pool() -> None:
    assert ir_datasets.docs_parent_id("xquad-r/de/en") == "xquad-r/de"
    assert ir_datasets.docs_parent_id("xquad-r/all/en") == "xquad-r/all"


@pytest.mark.parametrize("name", ["xquad-r", "xquad-r/all", "xquad-r/de", "xquad-r/de/en"])
def test_entries_document_themselves(name: str) -> None:
    documentation = load(name).documentation()
    assert documentation["pretty_name"] == "XQuAD-R"
    assert "LAReQA" in documentation["bibtex"]
    assert documentation["desc"].startswith("XQuAD-R: ")


def test_the_documentation_names_both_languages() -> None:
    assert load("mini/th/el").documentation()["desc"] == "mini: Greek questions on the sentences of Thai."


def test_a_suite_itself_has_no_documents() -> None:
    assert not any(load("xquad-r").has(part) for part in ("docs", "queries", "qrels"))


def test_an_unknown_entry_is_a_key_error_as_elsewhere_in_ir_datasets() -> None:
    with pytest.raises(KeyError):
        load("xquad-r/de/fr")
