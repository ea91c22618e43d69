"""Objects that are loaded already, as encoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from hybrid_bench import EvaluationOptions, HybridBenchError, as_encoder, evaluate, load_encoder
from hybrid_bench.encoders.live import _PROBES
from tests.encoders.multilingual_model import save_multilingual
from tests.tiny_encoder import TinyEncoder

LANGUAGES = ("de", "th")
TEXTS = ["Der Fluss entspringt im Gebirge.", "ขนมปัง", "a " * 500]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_multilingual(tmp_path_factory.mktemp("saved"))


@pytest.fixture
def model(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu")


def options(store: Path) -> EvaluationOptions:
    return EvaluationOptions(languages=LANGUAGES, store=store)


def test_a_live_model_has_the_scores_of_the_same_model_by_name(model: SentenceTransformer, folder: Path, tmp_path: Path) -> None:
    live = evaluate(model, "mini", options=options(tmp_path / "live"))
    named = evaluate(str(folder), "mini", options=options(tmp_path / "named"))
    assert [row.value for row in live.rows] == pytest.approx([row.value for row in named.rows], abs=1e-6)
    assert live.encoder == {
        "name": "model",
        "backend": "sentence-transformers",
        "query_prefix": "query: ",
        "passage_prefix": "passage: ",
        "max_length": 96,
        "dimension": 32,
        "parameters": live.encoder["parameters"],
    }


def test_the_vectors_are_those_that_the_model_gives(model: SentenceTransformer) -> None:
    encoder = as_encoder(model, name="org/mine")
    assert encoder.card.name == "org/mine"
    for role, encode in (("query", model.encode_query), ("passage", model.encode_document)):
        expected = encode(TEXTS, normalize_embeddings=True)
        assert encoder.encode(TEXTS, role) == pytest.approx(expected, abs=1e-6)  # type: ignore[arg-type]


def test_truncation_and_similarity_are_the_models(model: SentenceTransformer) -> None:
    model.similarity_fn_name = "dot"
    model.truncate_dim, model.max_seq_length = 8, 16
    encoder = as_encoder(model)
    assert (encoder.card.similarity, encoder.card.dimension, encoder.card.max_length) == ("dot", 8, 16)
    assert encoder.encode(TEXTS, "passage") == pytest.approx(model.encode_document(TEXTS), abs=1e-6)
    assert model.max_seq_length == 16
    model.similarity_fn_name = "euclidean"
    with pytest.raises(HybridBenchError, match="similarity 'euclidean'"):
        as_encoder(model)
    assert as_encoder(model, similarity="cosine").card.similarity == "cosine"


def with_other_weight(model: SentenceTransformer) -> None:
    with torch.no_grad():
        next(model.parameters()).view(-1)[7] += 1e-3


def with_other_pooling(model: SentenceTransformer) -> None:
    model[1].pooling_mode = "cls"


def with_other_length(model: SentenceTransformer) -> None:
    model.truncate_dim = 8


def with_other_tokenizer(model: SentenceTransformer) -> None:
    from tokenizers import normalizers

    model.tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()


@pytest.mark.parametrize("change", [with_other_weight, with_other_pooling, with_other_length, with_other_tokenizer])
def test_the_fingerprint_is_of_all_that_decides_a_vector(
    model: SentenceTransformer, folder: Path, change: Callable[[SentenceTransformer], None]
) -> None:
    first = as_encoder(model).fingerprint
    assert as_encoder(SentenceTransformer(str(folder), device="cpu"), name="other").fingerprint == first
    change(model)
    assert as_encoder(model).fingerprint != first


def test_training_changes_the_fingerprint_of_an_encoder(model: SentenceTransformer, tmp_path: Path) -> None:
    """An encoder that was made before a training gives its new vectors afterwards, not stored ones."""
    encoder = as_encoder(model)
    before = evaluate(encoder, "mini", options=options(tmp_path))
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    for weight in model.parameters():
        weight.grad = torch.randn_like(weight)
    optimiser.step()
    after = evaluate(encoder, "mini", options=options(tmp_path))
    assert before.provenance.fingerprint != after.provenance.fingerprint
    assert before.rows != after.rows
    assert as_encoder(model, fingerprint="step 1").fingerprint == "step 1"


class Mine:
    """What a user may have: lists, arrays or tensors of any length."""

    def __init__(self, form: Callable[[np.ndarray], Any] = np.asarray) -> None:
        self._form = form

    def encode_query(self, texts: list[str]) -> Any:
        return self._form(3 * TinyEncoder().encode(texts, "query"))

    def encode_document(self, texts: list[str]) -> Any:
        return self._form(3 * TinyEncoder().encode(texts, "passage"))


@pytest.mark.parametrize(
    "form", [np.asarray, np.ndarray.tolist, torch.from_numpy, list, lambda found: list(torch.from_numpy(found))]
)
def test_an_object_with_two_methods_is_an_encoder(form: Callable[[np.ndarray], Any], tmp_path: Path) -> None:
    found = evaluate(Mine(form), "mini", options=options(tmp_path / "mine"))
    expected = evaluate(TinyEncoder(), "mini", options=options(tmp_path / "tiny"))
    assert [row.value for row in found.rows] == pytest.approx([row.value for row in expected.rows], abs=1e-4)
    assert (found.name, found.provenance.device) == ("Mine", "not stated")


def test_a_pair_of_functions_is_an_encoder(tmp_path: Path) -> None:
    mine = Mine()

    def embed(texts: list[str]) -> Any:
        return mine.encode_query(texts)

    result = evaluate((embed, mine.encode_document), "mini", options=options(tmp_path))
    assert result.name == "embed"
    named = as_encoder((lambda texts: embed(texts), mine.encode_document), name="org/pair", similarity="dot", languages=("de",))
    assert (named.card.name, named.card.similarity, named.card.languages) == ("org/pair", "dot", ("de",))
    assert np.linalg.norm(named.encode(["a"], "query")) == pytest.approx(3, abs=1e-5)


def test_other_vectors_have_another_fingerprint() -> None:
    one, same, other = (as_encoder((scaled(factor), scaled(1)), name="x", similarity="dot") for factor in (1, 1, 1.001))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert as_encoder((scaled(1), scaled(1)), name="x", fingerprint="v2").fingerprint == "v2"
    assert len(_PROBES[-1]) > 1000


def scaled(factor: float) -> Callable[[Sequence[str]], np.ndarray]:
    return lambda texts: factor * TinyEncoder().encode(texts, "query")


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (3, "a int is not an encoder"),
        ((np.mean,), "a tuple is not an encoder"),
        (object(), "a object is not an encoder"),
        ((lambda texts: None,) * 2, "a NoneType was returned instead of vectors"),
        ((lambda texts: [[1.0], [1.0, 2.0]],) * 2, "a list was returned instead of vectors"),
        ((lambda texts: np.zeros((len(texts), 4)),) * 2, "returned only zeros for the query 'Where does the river rise"),
        ((lambda texts: np.ones(4),) * 2, "returned float32 of shape \\(4,\\)"),
    ],
)
def test_what_is_no_encoder_is_refused(model: Any, error: str, tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=error):
        evaluate(model, "mini", options=options(tmp_path))


def test_an_encoder_is_returned_as_it_is(folder: Path) -> None:
    encoder = load_encoder(str(folder))
    assert as_encoder(encoder) is encoder
    with pytest.raises(HybridBenchError, match="states its own card"):
        as_encoder(encoder, name="x")
