"""The entries of captions and images in ir_datasets, against the suites."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import ir_datasets
import PIL.Image
import pytest

import hybrid_bench
from hybrid_bench import HybridBenchError, load_suite
from hybrid_bench.datasets import captioned
from hybrid_bench.datasets.sources import captions

pytestmark = pytest.mark.usefixtures("shared")
SUITE = "multi30k-flickr8k"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    hybrid_bench.register()
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path))
    yield tmp_path


@pytest.mark.parametrize("name", list(captioned.datasets()))
def test_every_setting_has_an_entry(name: str, home: Path) -> None:
    suite = load_suite(name)
    for setting in suite.settings[:60]:
        entry = ir_datasets.load(f"{name}/{setting.pool}/{setting.query_set}")
        assert all(entry.has(part) for part in ("docs", "queries", "qrels"))
        assert entry.queries_lang() == suite.query_set(setting.query_set).language
        assert str(entry.documentation()["bibtex"]).startswith("@")
    listed = {known for known in ir_datasets.registry if known.startswith(f"{name}/images/")}
    assert listed == {f"{name}/images/{of}" for of in suite.pools["all"]}


@pytest.mark.parametrize("of", ["images/de", "de/images", "all/images", "de/cs"])
def test_an_entry_has_what_the_suite_has(of: str, home: Path, shared: Path) -> None:
    captioned.add_images(SUITE, shared / "image-text")
    entry, suite = ir_datasets.load(f"{SUITE}/{of}"), load_suite(SUITE)
    pool, query_set = of.split("/")
    docs = {doc.doc_id: doc for doc in entry.docs_iter()}
    inside = suite.pool(pool)
    assert list(docs) == [suite.trec_id(one, record.doc_id) for one in inside for record in suite.collection(one).passages()]
    assert len(docs) == entry.docs_count() == 243 * len(inside)
    queries = {query.query_id: query for query in entry.queries_iter()}
    qrels = list(entry.qrels_iter())
    assert {qrel.query_id for qrel in qrels} == set(queries)
    assert len(qrels) == 243 * len(inside)
    for qrel in qrels[:20]:
        assert qrel.doc_id == suite.trec_id(qrel.iteration, qrel.query_id)
        assert qrel.doc_id in docs
    images = list(docs.values()) if pool == "images" else list(queries.values()) if query_set == "images" else []
    for record in images[:2]:
        assert PIL.Image.open(io.BytesIO(record.image.read())).size == (224, 224)
    if pool == "images":
        german = {one.id: one.text for one in captions.load("multi30k/test_2016", "de")}
        assert all(query.text == german[query.query_id] for query in queries.values())


def test_images_that_are_missing_are_an_error_and_captions_need_none(home: Path) -> None:
    entry = ir_datasets.load("multi30k/images/en")
    assert next(iter(entry.queries_iter())).text
    with pytest.raises(HybridBenchError, match="multi30k"):
        list(entry.docs_iter())


def test_captions_of_one_language_are_not_asked_on_themselves(home: Path) -> None:
    with pytest.raises(KeyError):
        ir_datasets.load("xtd10/de/de")


def test_an_entry_of_images_is_not_read_as_a_suite_of_texts(home: Path) -> None:
    message = "multi30k/images/en is an ir_datasets entry; the suite multi30k has all settings of its images"
    with pytest.raises(HybridBenchError, match=re.escape(message)):
        load_suite("multi30k/images/en")
    assert load_suite("multi30k/de/en").modalities == {"text"}
