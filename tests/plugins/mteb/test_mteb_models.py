"""Encoders as mteb models: what mteb learns of them, and what they encode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import datasets
import mteb
import numpy as np
import pytest
from mteb.models import EncoderProtocol, SearchProtocol
from mteb.types import PromptType

from hybrid_bench import EvaluationOptions, HybridBenchError, evaluate
from hybrid_bench.plugin import Input, Role
from hybrid_bench_mteb import as_mteb_model, tasks
from hybrid_bench_mteb.ranking import Ranking
from tests.plugins.mteb.comparison import scores_of_mteb
from tests.tiny_encoder import TinyEncoder

LANGUAGES = ("de", "en", "th")


class Counting(TinyEncoder):
    """Counts what it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: Counter[tuple[Role, Input]] = Counter()

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        self.encoded.update((role, text) for text in texts)
        return super().encode(texts, role)


def test_every_text_is_encoded_once_for_all_subsets(tmp_path: Path) -> None:
    encoder = Counting()
    scores_of_mteb(as_mteb_model(encoder, store=tmp_path), tasks("mini", languages=LANGUAGES))
    assert encoder.encoded
    assert set(encoder.encoded.values()) == {1}


def test_the_order_of_the_subsets_does_not_matter(tmp_path: Path) -> None:
    encoder = Counting()
    scores_of_mteb(as_mteb_model(encoder, store=tmp_path), tasks("mini", languages=LANGUAGES)[::-1])
    assert set(encoder.encoded.values()) == {1}


def test_mteb_finds_the_vectors_of_an_evaluation_in_the_store(tmp_path: Path) -> None:
    encoder = Counting()
    evaluate(encoder, "mini", options=EvaluationOptions(languages=LANGUAGES, store=tmp_path))
    first = encoder.encoded.copy()
    scores_of_mteb(as_mteb_model(encoder, store=tmp_path), tasks("mini", languages=LANGUAGES))
    assert encoder.encoded == first


def test_metadata_come_from_the_card(tiny_encoder: TinyEncoder, tmp_path: Path) -> None:
    fields = {"languages": ("de", "zh"), "trained_on_suites": ("xquad-r",), "training_data": "SQuAD", "base": "org/base"}
    encoder = TinyEncoder()
    encoder.card = encoder.card.model_copy(update=fields)
    meta = as_mteb_model(encoder, store=tmp_path).mteb_model_meta
    assert (meta.name, meta.revision) == ("hybrid-bench/tiny", "hashed-n-grams-1-256")
    assert meta.languages == ["deu-Latn", "zho-Hans"]
    assert (meta.embed_dim, meta.n_parameters, meta.license) == (256, 0, "apache-2.0")
    assert meta.loader_kwargs == {"model_prompts": {"query": "q ", "document": "p "}}
    assert meta.use_instructions
    assert meta.similarity_fn_name is not None
    assert (meta.similarity_fn_name.value, meta.public_training_data, meta.adapted_from) == ("cosine", "SQuAD", "org/base")
    assert meta.is_zero_shot_on(["mini-monolingual"])
    assert not meta.is_zero_shot_on(["xquad-r-monolingual"])
    assert as_mteb_model(tiny_encoder, store=tmp_path).mteb_model_meta.is_zero_shot_on(["mini-monolingual"]) is None
    type(meta).model_validate(meta.model_dump())  # what mteb allows in each field


def test_results_of_another_dtype_are_other_results(tmp_path: Path) -> None:
    encoder = TinyEncoder()
    encoder.dtype = "bf16"
    assert as_mteb_model(encoder, store=tmp_path).mteb_model_meta.experiment_kwargs == {"dtype": "bf16"}


def test_it_has_both_protocols_of_mteb(tiny_encoder: TinyEncoder, tmp_path: Path) -> None:
    model = as_mteb_model(tiny_encoder, store=tmp_path)
    assert isinstance(model, SearchProtocol)
    assert isinstance(model, EncoderProtocol)


def test_tasks_of_other_kinds_are_encoded(tiny_encoder: TinyEncoder, tmp_path: Path) -> None:
    """Semantic similarity, which has no queries: mteb's correlation is that of the dot products."""

    class Pairs(mteb.get_task("STSBenchmark").__class__):  # type: ignore[misc]
        def load_data(self, *_: object, **__: object) -> None:
            rows = {
                "sentence1": ["rain", "snow", "the river"],
                "sentence2": ["rain", "the sea", "a river"],
                "score": [5.0, 0.0, 3.0],
            }
            self.dataset = {"test": datasets.Dataset.from_dict(rows)}
            self.data_loaded = True

    model = as_mteb_model(tiny_encoder, store=tmp_path)
    scores = mteb.evaluate(model, Pairs(), cache=None, show_progress_bar=False).task_results[0].scores["test"][0]
    assert scores["cosine_spearman"] == pytest.approx(1)
    batches = [{"text": ["rain", "snow"]}, {"text": ["sea"]}]
    texts = ["rain", "snow", "sea"]
    assert np.array_equal(model.encode(batches), tiny_encoder.encode(texts, "query"))
    assert np.array_equal(model.encode(batches, prompt_type=PromptType.query), tiny_encoder.encode(texts, "query"))
    assert np.array_equal(model.encode(batches, prompt_type=PromptType.document), tiny_encoder.encode(texts, "passage"))


def test_inputs_that_no_encoder_reads_are_an_error(tiny_encoder: TinyEncoder, tmp_path: Path) -> None:
    model = as_mteb_model(tiny_encoder, store=tmp_path)
    with pytest.raises(HybridBenchError, match="inputs with audio"):
        model.encode([{"audio": [b""]}])
    with pytest.raises(HybridBenchError, match="texts with images"):
        model.encode([{"text": ["a"], "image": [None]}])


def test_options_of_an_encoder_that_is_loaded_are_an_error(tiny_encoder: TinyEncoder) -> None:
    with pytest.raises(HybridBenchError, match="the option dtype has no effect"):
        as_mteb_model(tiny_encoder, dtype="bf16")
    with pytest.raises(HybridBenchError, match="unknown encoder 'tinny'"):
        as_mteb_model("tinny")


@pytest.mark.parametrize("top_k", [1, 3, 7, 100])
def test_the_best_documents_are_those_of_the_whole_ranking(top_k: int) -> None:
    """In parts, with many ties, against a sort of everything."""
    rng = np.random.default_rng(7)
    queries = rng.integers(-2, 3, (5, 3)).astype(np.float32)
    documents = rng.integers(-2, 3, (40, 3)).astype(np.float32)
    ids = [f"d{number}" for number in rng.permutation(40)]
    ranking = Ranking([f"q{number}" for number in range(5)], queries, top_k)
    for start in (0, 13, 26):
        stop = 40 if start == 26 else start + 13
        ranking.add(ids[start:stop], documents[start:stop])
    for number, scores in enumerate(queries @ documents.T):
        expected = sorted(zip(scores.tolist(), ids, strict=True), reverse=True)[:top_k]
        assert ranking.found()[f"q{number}"] == {name: score for score, name in expected}


def test_given_documents_alone_are_ranked() -> None:
    queries, documents = np.eye(2, dtype=np.float32), np.array([[1, 0], [0.5, 2], [3, 4]], np.float32)
    ranking = Ranking(["a", "b"], queries, 10, {"a": ["z", "x"], "b": ["y", "lost"]})
    ranking.add(["x", "y", "z"], documents)
    assert ranking.found() == {"a": {"x": 1.0, "z": 3.0}, "b": {"y": 2.0}}
