"""``hybrid-bench datasets``: parts of ir_datasets entries as text."""

from __future__ import annotations

import json

import ir_datasets
import pytest

import hybrid_bench
from tests.conftest import Cli


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    hybrid_bench.register()


def test_exported_queries_are_those_of_the_collection(here: Cli) -> None:
    done = here("datasets", "export", "mini/de/en", "queries")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [tuple(line.split("\t")) for line in done.stdout.splitlines()]
    assert lines == [(query.query_id, query.text) for query in ir_datasets.load("mini/de/en").queries_iter()]
    assert len(lines) == 45


def test_exported_qrels_are_in_trec_format(here: Cli) -> None:
    done = here("datasets", "export", "mini/all/en", "qrels")
    lines = [tuple(line.split()) for line in done.stdout.splitlines()]
    expected = ir_datasets.load("mini/all/en").qrels_iter()
    # The second column is the passage's language: measures of bias need it.
    assert lines == [(q.query_id, q.doc_id.partition("-")[0], q.doc_id, str(q.relevance)) for q in expected]
    assert len({iteration for _, iteration, _, _ in lines}) == 11


def test_exported_documents_have_all_their_fields(here: Cli) -> None:
    done = here("datasets", "export", "mini/all", "docs")
    lines = [tuple(line.split("\t")) for line in done.stdout.splitlines()]
    assert lines == [tuple(doc) for doc in ir_datasets.load("mini/all").docs_iter()]


@pytest.mark.usefixtures("shared")
def test_documents_of_a_pool_over_miracl_are_exported_as_they_are(here: Cli) -> None:
    done = here("datasets", "export", "miracl/yo+yo", "docs", "--fields", "doc_id,title")
    lines = [tuple(line.split("\t")) for line in done.stdout.splitlines()]
    assert lines[:3] == [(f"yo-{doc.doc_id}", doc.title) for doc in ir_datasets.load("miracl/yo").docs_iter()[:3]]
    assert len(lines) == 49_043


def test_exported_documents_may_be_json_lines_of_some_fields(here: Cli) -> None:
    done = here("datasets", "export", "mini/th", "docs", "--format", "jsonl", "--fields", "doc_id,title")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert records == [{"doc_id": doc.doc_id, "title": doc.title} for doc in ir_datasets.load("mini/th").docs_iter()]


@pytest.mark.usefixtures("shared")
def test_entries_of_ir_datasets_itself_are_exported_as_well(here: Cli) -> None:
    done = here("datasets", "export", "miracl/yo/dev", "queries")
    assert len(done.stdout.splitlines()) == 119


def test_ids_are_listed_by_their_beginning(here: Cli) -> None:
    listed = here("datasets", "list", "xquad-r/de").stdout.splitlines()
    assert listed == sorted(name for name in ir_datasets.registry if name.startswith("xquad-r/de"))
    assert len(listed) == 12
    assert here("datasets", "list", "no-such").stdout == ""
