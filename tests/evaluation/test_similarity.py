"""Every way of searching ranks by the similarity that an encoder states, against sentence-transformers' own similarity."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, evaluate, load_encoder, load_suite
from hybrid_bench.datasets.judged import judged_queries
from hybrid_bench.evaluation.stored import search_store
from hybrid_bench.submissions import packing
from hybrid_bench.submissions.rescoring import mean_scores, rescore
from hybrid_bench.support import toml
from tests.submissions import examples

LANGUAGES = ("de", "en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved with ``similarity_fn_name: dot``: the mean of random vectors of a text's bytes, of many lengths and with few ties."""
    torch.manual_seed(3)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({byte: number for number, byte in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_of_text = StaticEmbedding(tokenizer, embedding_dim=16)
    saved = tmp_path_factory.mktemp("models") / "dot"
    SentenceTransformer(modules=[bytes_of_text], similarity_fn_name="dot", device="cpu").save(str(saved))
    return saved


def average_precision(folder: Path, similarity: str | None = None) -> dict[tuple[str, str], float]:
    """AP of the German and English settings by brute force: what sentence-transformers' own similarity ranks."""
    suite = load_suite("mini").restrict(LANGUAGES)
    model = SentenceTransformer(str(folder), device="cpu", similarity_fn_name=similarity)
    found = {}
    for pool in LANGUAGES:
        passages = suite.passages(pool)
        encoded = model.encode([passage.content for passage in passages])
        for asked, part in judged_queries(suite).items():
            scores = model.similarity(model.encode([query.content for query in part.queries]), encoded).numpy()
            relevant = {(judged.query_id, judged.doc_id) for judged in suite.query_set(asked).judgements() if judged.relevance}
            values = []
            for query, row in zip(part.queries, scores, strict=True):
                ids = [passages[at].id for at in sorted(range(len(row)), key=lambda at: (row[at], passages[at].id), reverse=True)]
                ranks = [rank for rank, doc_id in enumerate(ids, 1) if (query.id, doc_id) in relevant]
                values.append(np.mean([number / rank for number, rank in enumerate(ranks, 1)]))
            found[asked, pool] = float(np.mean(values))
    return found


def ap(result: Result) -> dict[tuple[str, str], float]:
    return {(row.query_set, row.pool): row.value for row in result.rows if row.measure == "AP" and row.pool != "all"}


def options(folder: Path, **more: object) -> EvaluationOptions:
    return EvaluationOptions(languages=LANGUAGES, store=folder, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_the_grid_ranks_by_the_similarity_of_the_encoder(folder: Path, tmp_path: Path, similarity: str) -> None:
    chosen = {} if similarity == "dot" else {"similarity": similarity}
    result = evaluate(str(folder), "mini", options=options(tmp_path, encoder={"device": "cpu", **chosen}, check=True))
    assert ap(result) == pytest.approx(average_precision(folder, similarity), abs=1e-3)  # ties by rounding
    assert result.encoder.get("similarity", "cosine") == similarity
    other = average_precision(folder, "cosine" if similarity == "dot" else "dot")
    assert max(abs(ap(result)[key] - other[key]) for key in other) > 0.01


def test_streams_and_indexes_rank_by_the_similarity_of_the_encoder(folder: Path, tmp_path: Path) -> None:
    large = dataclasses.replace(load_suite("mini"), large=True)
    stated = options(tmp_path, measures=("AP",), storage="fp32", results=tmp_path / "results")
    expected = pytest.approx(average_precision(folder), abs=1e-3)
    assert ap(evaluate(str(folder), large, options=stated)) == expected
    pytest.importorskip("faiss")
    assert ap(search_store(large, stated, encoder=str(folder), index="flat")) == expected


def test_a_store_is_not_searched_by_another_similarity(folder: Path, tmp_path: Path) -> None:
    large = dataclasses.replace(load_suite("mini"), large=True)
    evaluate(str(folder), large, options=options(tmp_path / "store", results=tmp_path))
    (store,) = (tmp_path / "store").glob("*/*")
    asked = EvaluationOptions(languages=LANGUAGES, results=tmp_path, encoder={"similarity": "cosine"})
    with pytest.raises(HybridBenchError, match="similarity 'dot', not 'cosine'"):
        search_store(large, asked, store=store, encoder=str(folder))


def test_a_submission_states_the_similarity_and_is_scored_by_it(folder: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.toml"
    card.write_text(f'{examples.CARD}licence = "MIT"\n')
    packed = packing.pack(
        load_encoder(str(folder), dtype="fp32", device="cpu"),
        ["mini"],
        tmp_path / "submissions",
        org="org",
        name="dot",
        card=card,
        vectors_out=tmp_path / "vectors",
        store=tmp_path / "store",
    )
    assert toml.load(packed.folder / "submission.toml")["card"]["similarity"] == "dot"
    evaluated = evaluate(str(folder), "mini", options=EvaluationOptions(store=tmp_path / "store"))
    found, expected = mean_scores(rescore(packed.folder).results["mini"]), mean_scores(evaluated)
    for score in ("monolingual AP", "cross-lingual AP", "multilingual AP"):
        assert found[score] == pytest.approx(expected[score], abs=2e-3)
