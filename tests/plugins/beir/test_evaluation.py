"""Encoders as BEIR models and suites as BEIR's data: BEIR's own evaluation gives the figures of results here."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Suite, evaluate, load_suite
from hybrid_bench.plugin import Role
from hybrid_bench_beir import as_beir_model, load
from hybrid_bench_beir.data import export
from tests.tiny_encoder import TinyEncoder

MEASURES = ("nDCG@10", "AP", "R@100")
Scores = dict[str, float]


class Dot(TinyEncoder):
    """Vectors that are not of unit length."""

    def __init__(self) -> None:
        super().__init__()
        self.card = self.card.model_copy(update={"name": "tiny-dot", "similarity": "dot"})
        self.fingerprint = "dot"

    def encode(self, inputs: Sequence[str], role: Role, /) -> np.ndarray:
        lengths = np.array([[1 + len(text) % 5] for text in inputs], dtype=np.float32)
        return super().encode(inputs, role) * lengths


def scores(encoder: TinyEncoder, suite: Suite | str, query_set: str, pool: str, **options: Any) -> Scores:
    result = evaluate(encoder, suite, options=EvaluationOptions(measures=MEASURES, **options))
    return {
        row.measure: row.value
        for row in result.rows
        if (row.query_set, row.pool) == (query_set, pool) and row.measure in MEASURES
    }


@pytest.mark.parametrize("encoder", [TinyEncoder(), Dot()], ids=["cosine", "dot"])
@pytest.mark.parametrize("setting", ["en:all", "th:de"])
def test_beir_scores_an_encoder_as_it_is_scored_here(by_beir: Callable[..., Scores], encoder: TinyEncoder, setting: str) -> None:
    found = by_beir(as_beir_model(encoder), *load("mini", setting))
    query_set, pool = setting.split(":")
    assert found == pytest.approx(scores(encoder, "mini", query_set, pool), abs=1e-5)
    assert 0.02 < found["AP"] < 0.9


def test_the_faiss_searches_of_beir_find_the_same() -> None:
    from beir.retrieval.evaluation import EvaluateRetrieval
    from beir.retrieval.search.dense import FlatIPFaissSearch

    class Flat(FlatIPFaissSearch):
        """BEIR 2.2.0 forgets two abstract methods."""

        encode = search_from_files = None

    corpus, queries, qrels = load("mini/de/en")
    retriever = EvaluateRetrieval(Flat(as_beir_model(TinyEncoder())), [10, 70], "dot")
    ndcg, *_ = retriever.evaluate(qrels, retriever.retrieve(corpus, queries), [10])
    assert ndcg["NDCG@10"] == pytest.approx(scores(TinyEncoder(), "mini", "en", "de")["nDCG@10"], abs=1e-5)


def test_nfcorpus_as_beir_reads_its_own_files(by_beir: Callable[..., Scores], shared: Path, tmp_path: Path) -> None:
    """Titles are joined to texts in the same way, and queries and qrels are the same."""
    from beir.datasets.data_loader import GenericDataLoader

    with zipfile.ZipFile(shared / "ir_datasets_home" / "beir" / "nfcorpus" / "source.zip") as archive:
        archive.extractall(tmp_path)
    found = by_beir(as_beir_model(TinyEncoder()), *GenericDataLoader(str(tmp_path / "nfcorpus")).load("test"))
    assert found == pytest.approx(scores(TinyEncoder(), "beir/nfcorpus/test", "en", "en"), abs=1e-5)
    assert found == pytest.approx(by_beir(as_beir_model(TinyEncoder()), *load("beir/nfcorpus/test")), abs=1e-5)


@pytest.fixture
def own_ids(tmp_path: Path) -> Path:
    """A collection whose queries are passages of it by the same ids, as in ArguAna: each finds itself first."""
    folder = tmp_path / "und"
    (folder / "qrels").mkdir(parents=True)
    texts = {f"d{n}": f"{['sun', 'moon', 'rain', 'wind', 'snow', 'fog'][n % 6]} {n % 7} and {n}" for n in range(60)}
    lines = [json.dumps({"_id": name, "title": f"t{name}" if name > "d3" else "", "text": text}) for name, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    asked = [f"d{n}" for n in range(0, 60, 3)]
    (folder / "queries.jsonl").write_text("\n".join(json.dumps({"_id": name, "text": texts[name]}) for name in asked))
    qrels = "".join(f"{name}\td{(int(name[1:]) + 6) % 60}\t1\n{name}\t{name}\t1\n" for name in asked)
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{qrels}")
    return folder


def test_a_passage_with_the_id_of_the_query_is_left_out_as_by_beir(by_beir: Callable[..., Scores], own_ids: Path) -> None:
    from beir.datasets.data_loader import GenericDataLoader

    found = by_beir(as_beir_model(TinyEncoder()), *GenericDataLoader(str(own_ids)).load("test"))
    assert found == pytest.approx(scores(TinyEncoder(), str(own_ids), "und", "und", drop_own=True, check=True), abs=1e-5)
    kept = scores(TinyEncoder(), str(own_ids), "und", "und")
    assert kept["AP"] > found["AP"] + 0.1


def test_vectors_are_stored_and_of_the_kind_that_is_asked_for(tmp_path: Path) -> None:
    import torch

    class Counting(Dot):
        calls = 0

        def encode(self, inputs: Sequence[str], role: Role, /) -> np.ndarray:
            self.calls += 1
            return super().encode(inputs, role)

    encoder = Counting()
    model = as_beir_model(encoder, store=tmp_path)
    passages = [{"title": "Bees", "text": "make honey"}, {"title": None, "text": "text"}, {"text": ""}]
    vectors = model.encode_corpus(passages, batch_size=1)
    assert np.array_equal(vectors, encoder.encode(["Bees make honey", "text", ""], "passage"))
    calls = encoder.calls
    tensor = model.encode_corpus(passages, convert_to_tensor=True)
    assert isinstance(tensor, torch.Tensor)
    assert np.array_equal(tensor.numpy(), vectors)
    unit = model.encode_corpus(passages[:2], normalize_embeddings=True)
    assert np.linalg.norm(unit, axis=1) == pytest.approx(1)
    assert encoder.calls == calls + 1
    assert np.array_equal(model.encode_queries(["q"]), encoder.encode(["q"], "query"))


def test_a_folder_for_beir_has_the_data_of_the_suite(tmp_path: Path) -> None:
    from beir.datasets.data_loader import GenericDataLoader

    written = export("mini", tmp_path / "mini", ("en:all", "de:th"))
    assert [path.name for path in written] == ["en-all", "de-th"]
    assert GenericDataLoader(str(written[0])).load("test") == load("mini", "en:all")
    assert export("beir/nfcorpus/test", tmp_path / "nf") == [tmp_path / "nf"]
    corpus, queries, qrels = GenericDataLoader(str(tmp_path / "nf")).load("test")
    assert (corpus, queries, qrels) == load("beir/nfcorpus/test")
    assert sum(bool(passage["title"]) for passage in corpus.values()) > 3000
    again = load_suite(str(tmp_path / "nf"))
    texts = [passage.content for passage in again.passages("und")]
    assert texts == [str(passage.content).strip() for passage in load_suite("beir/nfcorpus/test").passages("en")]


def test_odd_ids_and_texts_survive(tmp_path: Path, own_ids: Path) -> None:
    from beir.datasets.data_loader import GenericDataLoader

    passages = [
        {"_id": 'd"1"', "text": "a\u2028b\nc"},
        {"_id": "d\t2", "title": "t", "text": "  x "},
        {"_id": "3", "text": "\ud800"},
    ]
    (own_ids / "corpus.jsonl").write_text("\n".join(map(json.dumps, passages)))
    (own_ids / "queries.jsonl").write_text(json.dumps({"_id": 'q "1"', "text": "query"}))
    (own_ids / "qrels" / "test.tsv").write_text('query-id\tcorpus-id\tscore\nq "1"\td"1"\t2\nq "1"\t3\t0\nq "1"\tnowhere\t1\n')
    (folder,) = export(str(own_ids), tmp_path / "out")
    corpus, queries, qrels = GenericDataLoader(str(folder)).load("test")
    assert (corpus, queries, qrels) == load(str(own_ids))
    assert qrels == {'q "1"': {'d"1"': 2, "3": 0, "nowhere": 1}}
    assert corpus["d\t2"] == {"title": "t", "text": "  x "}
    assert corpus["3"] == {"title": "", "text": "\ufffd"}


def test_what_is_not_data_of_beir_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"mini has 132 settings.*\n  Name one, e.g. load\('mini', 'ar:ar'\)"):
        load("mini")
    with pytest.raises(HybridBenchError, match="unknown setting 'en:xx'"):
        load("mini", "en:xx")
    export("mini/de/en", tmp_path / "out")
    with pytest.raises(HybridBenchError, match=r"out is there already\n  Choose another folder"):
        export("mini/de/en", tmp_path / "out")
    export("mini/en/en", tmp_path / "out", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
