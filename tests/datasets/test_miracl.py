"""MIRACL is ir_datasets' own; this project adds pools over several of its languages and touches nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import ir_datasets
import pytest

import hybrid_bench
from hybrid_bench import HybridBenchError
from hybrid_bench.datasets.irds_entries import pool_languages
from hybrid_bench.datasets.languages import MIRACL

pytestmark = pytest.mark.usefixtures("shared")


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    hybrid_bench.register()


def test_registering_replaces_nothing_in_ir_datasets(root: Path) -> None:
    code = """
import json, ir_datasets
before = {name: ir_datasets.registry[name] for name in ir_datasets.registry}
import hybrid_bench
hybrid_bench.register()
after = {name: ir_datasets.registry[name] for name in ir_datasets.registry}
changed = [name for name in before if after[name] is not before[name]]
print(json.dumps([changed, sorted({name.partition("/")[0] for name in after if name not in before})]))
"""
    # -S and not the folders' .pth files, in which a start-up hook may register this project's entries beforehand
    path = os.pathsep.join([str(root), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    command, env = [sys.executable, "-S", "-c", code], os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    changed, added = json.loads(done.stdout)
    assert changed == []
    own = {"afriqa", "flores200", "mini", "mkqa", "mlqa-r", "squadshifts", "tico19", "xquad-r", "xquad-r+ro"}
    images = {"multi30k", "multi30k-flickr8k", "xflickrco", "xflickrco-flickr8k", "xm3600", "xtd10"}
    assert set(added) == own | images


def test_yoruba_is_read_from_the_cache_of_ir_datasets() -> None:
    entry = ir_datasets.load("miracl/yo/dev")
    assert entry.docs_handler() is ir_datasets.datasets.miracl.subsets["yo"].docs_handler()
    assert sum(1 for _ in entry.docs_iter()) == entry.docs_count() == 49_043
    assert len({query.query_id for query in entry.queries_iter()}) == 119
    assert sum(1 for _ in entry.qrels_iter()) == 1_188


def test_a_pool_names_its_languages() -> None:
    assert pool_languages("yo+sw") == pool_languages("sw+yo+sw") == ("sw", "yo")
    assert pool_languages("all") == tuple(sorted(MIRACL))
    assert len(pool_languages("all")) == 18


@pytest.mark.parametrize("name", ["miracl/sw+xx", "miracl/sw+xx/dev/sw"])
def test_an_unknown_language_of_a_pool_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(HybridBenchError, match=r"unknown MIRACL language 'xx'\n  Known: ar, bn, .*, yo, zh"):
        ir_datasets.load(name)


def test_a_query_language_has_to_be_in_the_pool() -> None:
    with pytest.raises(HybridBenchError, match="unknown language of this pool 'en'\n  Known: sw, yo"):
        ir_datasets.load("miracl/sw+yo/dev/en")


def test_naming_a_pool_downloads_nothing() -> None:
    entry = ir_datasets.load("miracl/sw+yo/dev/sw")
    assert entry.documentation()["desc"] == "MIRACL: Swahili topics (dev) on one pool of sw, yo."
    assert (entry.queries_lang(), entry.docs_lang(), entry.docs_namespace()) == ("sw", None, "miracl/sw+yo")
    downloaded = Path(os.environ["IR_DATASETS_HOME"]) / "miracl" / "v1.0"
    assert [folder.name for folder in downloaded.iterdir()] == ["yo"]


def test_ids_of_a_pool_start_with_the_language() -> None:
    pool, own = ir_datasets.load("miracl/yo+yo").docs_iter(), ir_datasets.load("miracl/yo").docs_iter()
    pairs = list(zip(pool, own, strict=True))
    assert len(pairs) == 49_043
    assert all(pooled == (f"yo-{doc.doc_id}", doc.title, doc.text) for pooled, doc in pairs)
    assert all(pooled.default_text() == doc.default_text() for pooled, doc in pairs)


def test_topics_and_judgements_of_a_pool_are_those_of_the_language() -> None:
    pool, own = ir_datasets.load("miracl/sw+yo/dev/yo"), ir_datasets.load("miracl/yo/dev")
    assert list(pool.queries_iter()) == list(own.queries_iter())
    judged = [(qrel.query_id, f"yo-{qrel.doc_id}", qrel.relevance, "yo") for qrel in own.qrels_iter()]
    assert [(qrel.query_id, qrel.doc_id, qrel.relevance, qrel.iteration) for qrel in pool.qrels_iter()] == judged
    assert pool.qrels_defs() == own.qrels_defs()


def test_documents_of_a_pool_are_found_in_the_stores_of_its_languages() -> None:
    own = next(iter(ir_datasets.load("miracl/yo").docs_iter()))
    store = ir_datasets.load("miracl/sw+yo").docs_store()
    assert store.get(f"yo-{own.doc_id}") == (f"yo-{own.doc_id}", own.title, own.text)
    assert store.get(f"yo-{own.doc_id}", "title") == own.title


def test_an_id_of_no_language_of_the_pool_is_unknown_and_nothing_is_downloaded_for_it() -> None:
    own = next(iter(ir_datasets.load("miracl/yo").docs_iter()))
    store = ir_datasets.load("miracl/sw+yo").docs_store()
    unknown = ["ja-1#0", own.doc_id, f"xx-{own.doc_id}", "yo-0#99"]
    assert list(store.get_many([*unknown, f"yo-{own.doc_id}"])) == [f"yo-{own.doc_id}"]
    for doc_id in unknown:
        with pytest.raises(KeyError, match=doc_id):
            store.get(doc_id)
