"""Hybrid Bench encoders in Pyserini, and exported indexes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_bench import Encoder, EvaluationOptions, HybridBenchError, evaluate, load_encoder, load_suite
from hybrid_bench.plugin import RunOptions
from hybrid_bench.results import runs
from hybrid_bench_pyserini import Machine, as_document_encoder, as_query_encoder, evaluate_bm25, export
from hybrid_bench_pyserini.dense import import_pyserini
from hybrid_bench_pyserini.exporting import read_manifest

ENCODER = "use-multilingual"
LANGUAGES = ("de", "en", "es")


class Counted:
    """An encoder that records the batch size of each call."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.calls: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, texts: Sequence[str], role: Any) -> np.ndarray:
        self.calls.append(len(texts))
        return self._encoder.encode(texts, role)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faiss") / "mini-all"
    made = export(ENCODER, load_suite("mini").restrict(LANGUAGES), folder, pool="all")
    assert (made.pool, made.dimension) == ("all", 512)
    return folder


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[runs.Hit]]:
    folder = tmp_path_factory.mktemp("runs")
    evaluate(ENCODER, "mini", options=EvaluationOptions(languages=LANGUAGES, runs=folder, depth=50, run_settings=("en:all",)))
    (run,) = runs.runs_in(folder).values()
    return runs.read(run)


def same(ours: dict[str, list[runs.Hit]], theirs: dict[str, list[runs.Hit]]) -> None:
    """Assert the same order except for ties, and the same scores within 1e-4."""
    assert ours.keys() == theirs.keys()
    for query_id, hits in ours.items():
        scores = {hit.doc_id: hit.score for hit in theirs[query_id]}
        for mine, other in zip(hits, theirs[query_id], strict=True):
            assert mine.score == pytest.approx(other.score, abs=1e-4)
            if mine.doc_id != other.doc_id:
                assert scores.get(mine.doc_id, theirs[query_id][-1].score) == pytest.approx(other.score, abs=1e-4)


def test_pyserinis_searcher_returns_our_run(index: Path, own_run: dict[str, list[runs.Hit]]) -> None:
    encoder = Counted(load_encoder(ENCODER))
    searcher = import_pyserini("pyserini.search.faiss").FaissSearcher(str(index), as_query_encoder(encoder))  # type: ignore[arg-type]
    queries = load_suite("mini").queries("en")
    found = searcher.batch_search([query.content for query in queries], [query.id for query in queries], 50, 2)
    assert encoder.calls == [len(queries)]
    same(own_run, {query_id: [runs.Hit(hit.docid, float(hit.score)) for hit in hits] for query_id, hits in found.items()})
    one = searcher.search(queries[0].content, 5)
    assert [hit.docid for hit in one] == [hit.doc_id for hit in own_run[queries[0].id][:5]]


def test_pyserinis_command_returns_our_run(index: Path, own_run: dict[str, list[runs.Hit]], tmp_path: Path) -> None:
    topics, output = tmp_path / "topics.json", tmp_path / "run.trec"
    cli = [sys.executable, "-m", "hybrid_bench"]
    subprocess.run([*cli, "pyserini", "topics", "--suite", "mini", "--language", "en", str(topics)], check=True)
    command = [
        sys.executable, "-m", "hybrid_bench_pyserini", "search.faiss", "--encoder", f"hybrid-bench:{ENCODER}",
        "--index", str(index), "--topics", str(topics), "--output", str(output), "--hits", "50",
        "--batch-size", "64", "--threads", "2",
    ]  # fmt: skip
    subprocess.run(command, check=True)
    same(own_run, runs.read(output))


def test_pyserinis_hybrid_searcher_combines_both(index: Path, tmp_path: Path) -> None:
    evaluate_bm25("mini", languages=["en"], runs=RunOptions(["AP"]), machine=Machine(tmp_path))
    (lucene,) = tmp_path.glob("bm25-mini-en-*/lucene")
    dense = import_pyserini("pyserini.search.faiss").FaissSearcher(str(index), as_query_encoder(ENCODER))
    sparse = import_pyserini("pyserini.search.lucene").LuceneSearcher(str(lucene))
    hybrid = import_pyserini("pyserini.search.hybrid").HybridSearcher(dense, sparse)
    query = load_suite("mini").queries("en")[0].content
    assert len(hybrid.search(query, k=5)) == 5
    assert len(hybrid.batch_search([query, query], ["a", "b"], k=5)["b"]) == 5


def test_document_encoders_return_the_vectors_of_the_index(index: Path) -> None:
    import faiss

    texts = [passage.content for passage in load_suite("mini").passages("de")]
    vectors = faiss.read_index(str(index / "index")).reconstruct_n(0, len(texts))
    np.testing.assert_allclose(as_document_encoder(ENCODER).encode(texts), vectors, atol=1e-5)
    titled = as_document_encoder(ENCODER).encode(["b"], titles=["a"])
    np.testing.assert_allclose(titled, as_document_encoder(ENCODER).encode(["a b"]), atol=1e-6)


def test_a_document_has_one_line_of_docid(index: Path) -> None:
    ids = (index / "docid").read_text().splitlines()
    suite = load_suite("mini").restrict(LANGUAGES)
    assert ids == [passage.id for name in suite.pool("all") for passage in suite.passages(name)]


def test_exports_with_wrong_arguments_and_corrupt_indexes_are_refused(index: Path, tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="mini has several pools"):
        export(ENCODER, "mini", tmp_path / "new")
    with pytest.raises(HybridBenchError, match="unknown pool of mini 'xx'"):
        export(ENCODER, "mini", tmp_path / "new", pool="xx")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(HybridBenchError, match="exists and is not an exported index"):
        export(ENCODER, "mini", tmp_path / "full", pool="de")
    broken = tmp_path / "broken"
    export(ENCODER, "mini/en", broken)
    (broken / "docid").write_text("cut")
    with pytest.raises(HybridBenchError, match="is incomplete or corrupt"):
        read_manifest(broken)


def test_an_index_of_another_encoder_is_refused(index: Path, tmp_path: Path) -> None:
    text = (index / "hybrid-bench.json").read_text()
    manifest = read_manifest(index)
    assert manifest
    other = tmp_path / "other"
    other.mkdir()
    for name in ("index", "docid"):
        (other / name).write_bytes((index / name).read_bytes())
    (other / "hybrid-bench.json").write_text(text.replace(manifest.fingerprint, "0" * 40))
    from hybrid_bench_pyserini.__main__ import _query_encoder

    with pytest.raises(HybridBenchError, match="was built with use-multilingual"):
        _query_encoder(str(other), encoder_dir=f"hybrid-bench:{ENCODER}")


def test_an_unknown_module_of_pyserini_is_an_error() -> None:
    command = [sys.executable, "-m", "hybrid_bench_pyserini", "search.faisss"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "error: Pyserini has no module pyserini.search.faisss" in ended.stderr
