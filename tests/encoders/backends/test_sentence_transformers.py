"""The sentence-transformers backend on small real models, against ``SentenceTransformer`` itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Router, StaticEmbedding

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from hybrid_bench.encoders.backends import sentence_transformers as backend
from hybrid_bench.encoders.backends.packed_linear import mark
from tests.encoders.models import POSITIONS, TEXTS, put_on_hub, save_sentence_transformer, save_tokenizer

#: Sums in another order.
TOLERANCE = 1e-5
PROMPTS = {"query": "query : ", "passage": "passage : "}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sentence_transformer(tmp_path_factory.mktemp("models") / "tiny", prompts=PROMPTS)


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(folder, tmp_path / "saved"))


def load(folder: Path, **options: Any) -> Encoder:
    return load_encoder(str(folder), **({"dtype": "fp32", "device": "cpu"} | options))


def original(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu")


def test_vectors_are_those_of_sentence_transformers_with_its_prompts(folder: Path) -> None:
    encoder, model = load(folder), original(folder)
    queries, passages = encoder.encode(TEXTS, "query"), encoder.encode(TEXTS, "passage")
    np.testing.assert_allclose(queries, model.encode(TEXTS, prompt_name="query"), atol=TOLERANCE)
    np.testing.assert_allclose(passages, model.encode(TEXTS, prompt_name="passage"), atol=TOLERANCE)
    assert (queries.shape, queries.dtype) == ((len(TEXTS), 8), np.float32)
    assert np.abs(queries - passages).max() > 0.01


def test_the_card_says_what_was_loaded(folder: Path) -> None:
    encoder = load(folder)
    assert isinstance(encoder, Encoder)
    assert (encoder.dtype, encoder.device) == ("fp32", "cpu")
    card = encoder.card
    assert (card.name, card.backend, card.pooling) == ("saved", "sentence-transformers", None)
    assert (card.query_prefix, card.passage_prefix) == ("query : ", "passage : ")
    assert (card.max_length, card.dimension) == (POSITIONS, 8)
    assert card.parameters == sum(parameter.numel() for parameter in original(folder).parameters())


def test_a_model_of_the_hub_has_its_commit_as_fingerprint(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    put_on_hub(tmp_path, "org/tiny", "a" * 40, folder)
    encoder = load_encoder("org/tiny", dtype="fp32", device="cpu")
    assert (encoder.card.backend, encoder.fingerprint) == (
        "sentence-transformers",
        "a" * 40 + mark(torch.device("cpu"), torch.float32),
    )


def test_a_prompt_for_documents_is_one_for_passages(tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path, prompts={"query": "query : ", "document": "passage : "})
    encoder = load(folder)
    assert encoder.card.passage_prefix == "passage : "
    np.testing.assert_allclose(
        encoder.encode(TEXTS, "passage"), original(folder).encode(TEXTS, prompt_name="document"), atol=TOLERANCE
    )


def test_a_model_without_prompts_has_no_prefixes(tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path)
    encoder = load(folder)
    assert (encoder.card.query_prefix, encoder.card.passage_prefix) == ("", "")
    np.testing.assert_allclose(encoder.encode(TEXTS, "query"), original(folder).encode(TEXTS), atol=TOLERANCE)


def test_the_prefixes_of_the_card_win(folder: Path) -> None:
    encoder = load(folder, query_prefix="rain : ")
    assert (encoder.card.query_prefix, encoder.card.passage_prefix) == ("rain : ", "passage : ")
    np.testing.assert_allclose(encoder.encode(TEXTS, "query"), original(folder).encode(TEXTS, prompt="rain : "), atol=TOLERANCE)


def test_a_prompt_that_is_kept_out_of_the_pooling_stays_out(tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path, prompts=PROMPTS, include_prompt=False)
    expected = original(folder).encode(TEXTS, prompt_name="query")
    pooled_too = original(folder).encode([f"query : {text}" for text in TEXTS])
    assert np.abs(expected - pooled_too).max() > 0.01
    np.testing.assert_allclose(load(folder).encode(TEXTS, "query"), expected, atol=TOLERANCE)


@pytest.mark.parametrize("default", [None, "query"])
def test_a_model_with_a_route_for_each_role_takes_it(tmp_path: Path, default: str | None) -> None:
    """Static embeddings, so that this is also a model without a transformer."""
    torch.manual_seed(7)
    tokenizer = save_tokenizer(tmp_path / "tokenizer")
    routes = Router.for_query_document(
        query_modules=[StaticEmbedding(tokenizer, embedding_dim=8)],
        document_modules=[StaticEmbedding(tokenizer, embedding_dim=8)],
        default_route=default,
    )
    SentenceTransformer(modules=[routes], device="cpu").save(str(tmp_path / "saved"))
    encoder, model = load(tmp_path / "saved"), original(tmp_path / "saved")
    queries, passages = encoder.encode(TEXTS, "query"), encoder.encode(TEXTS, "passage")
    np.testing.assert_allclose(queries, model.encode_query(TEXTS, normalize_embeddings=True), atol=TOLERANCE)
    np.testing.assert_allclose(passages, model.encode_document(TEXTS, normalize_embeddings=True), atol=TOLERANCE)
    assert np.abs(queries - passages).max() > 0.01


def test_a_model_that_cuts_no_text_has_no_max_length(tmp_path: Path) -> None:
    embedding = StaticEmbedding(save_tokenizer(tmp_path / "tokenizer"), embedding_dim=8)
    SentenceTransformer(modules=[embedding], device="cpu").save(str(tmp_path / "saved"))
    assert load(tmp_path / "saved").card.max_length is None
    with pytest.raises(HybridBenchError, match=r"saved does not truncate texts\n  Omit max_length"):
        load(tmp_path / "saved", max_length=64)


def test_vectors_are_normalised_if_and_only_if_the_card_says_cosine(tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path, normalize=False)
    raw = original(folder).encode(TEXTS)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.abs(lengths - 1).max() > 0.1
    np.testing.assert_allclose(load(folder, similarity="dot").encode(TEXTS, "query"), raw, atol=TOLERANCE)
    np.testing.assert_allclose(load(folder).encode(TEXTS, "query"), raw / lengths, atol=TOLERANCE)


def test_the_similarity_of_the_model_is_that_of_the_card_unless_another_is_asked_for(tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path, normalize=False, similarity="dot")
    raw = original(folder).encode(TEXTS)
    own = load(folder)
    assert own.card.similarity == "dot"
    np.testing.assert_allclose(own.encode(TEXTS, "query"), raw, atol=TOLERANCE)
    chosen = load(folder, similarity="cosine")
    assert chosen.card.similarity == "cosine"
    np.testing.assert_allclose(np.linalg.norm(chosen.encode(TEXTS, "query"), axis=1), 1, atol=TOLERANCE)


@pytest.mark.parametrize("distance", ["euclidean", "manhattan"])
def test_a_distance_is_refused_unless_a_similarity_is_chosen(tmp_path: Path, distance: str) -> None:
    folder = save_sentence_transformer(tmp_path, similarity=distance)
    with pytest.raises(HybridBenchError, match=f"saved with the similarity '{distance}'.*\n.*--similarity cosine"):
        load(folder)
    assert load(folder, similarity="dot").card.similarity == "dot"
    with pytest.raises(HybridBenchError, match="similarity: Input should be 'cosine' or 'dot'"):
        load(folder, similarity=distance)


def test_neither_order_nor_company_changes_a_vector(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load(folder)
    expected = encoder.encode(TEXTS, "query")
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1], "query")[::-1], expected, atol=TOLERANCE)
    np.testing.assert_allclose(encoder.encode(tuple(TEXTS), "query"), expected, atol=TOLERANCE)
    monkeypatch.setattr(backend, "_TOKENS_PER_BATCH", 25)
    np.testing.assert_allclose(encoder.encode(TEXTS, "query"), expected, atol=TOLERANCE)
    assert encoder.encode([], "query").shape == (0, 8)


def test_a_longer_text_is_cut_at_max_length(folder: Path) -> None:
    """Of eight tokens two are the special ones and two the prompt."""
    encoder = load(folder, max_length=8)
    assert encoder.card.max_length == 8
    cut, whole = encoder.encode([" ".join(TEXTS[2].split()[:4]), TEXTS[2]], "passage")
    np.testing.assert_allclose(whole, cut, atol=TOLERANCE)
    assert np.abs(load(folder).encode([TEXTS[2]], "passage")[0] - cut).max() > 0.01


def test_bf16_is_close_to_fp32(folder: Path) -> None:
    encoder = load(folder, dtype="bf16")
    found, expected = encoder.encode(TEXTS, "query"), load(folder).encode(TEXTS, "query")
    assert (encoder.dtype, found.dtype) == ("bf16", np.float32)
    assert ((found * expected).sum(axis=1) > 0.99).all()
    assert np.abs(found - expected).max() > TOLERANCE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dimension": 16}, "saved: the model has 8 dimensions, its card says 16"),
        ({"max_length": 33}, "saved: max_length 33 is more than the model's 32 positions"),
        ({"dtype": "int4"}, "unknown dtype 'int4'"),
        ({"device": "cuda:99"}, "device 'cuda:99' is not available here"),
    ],
)
def test_what_the_model_cannot_do_is_refused(folder: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(HybridBenchError, match=message):
        load(folder, **options)


def test_a_card_that_states_another_pooling_is_refused(own: Path) -> None:
    (own / "encoder.toml").write_text('name = "mine"\nbackend = "sentence-transformers"\n')
    assert load(own).card.name == "mine"
    with pytest.raises(HybridBenchError, match=r"mine uses the pooling saved by sentence-transformers, not 'cls'"):
        load(own, pooling="cls")


def test_the_bare_transformer_can_be_chosen(folder: Path) -> None:
    encoder = load(folder, pooling="cls", backend="transformers")
    assert (encoder.card.backend, encoder.card.pooling, encoder.card.dimension) == ("transformers", "cls", 16)
    assert encoder.encode(TEXTS, "query").shape == (len(TEXTS), 16)


@pytest.mark.parametrize("file", ["model.safetensors", "2_Dense/model.safetensors"])
def test_other_weights_of_any_part_have_another_fingerprint(folder: Path, own: Path, file: str) -> None:
    assert load(own).fingerprint == load(folder).fingerprint
    content = bytearray((own / file).read_bytes())
    content[-1] ^= 1
    (own / file).write_bytes(content)
    assert load(own).fingerprint != load(folder).fingerprint


@pytest.mark.parametrize("part", ["", "2_Dense"])
def test_pickled_weights_of_any_part_are_refused(own: Path, part: str) -> None:
    weights = own / part / "model.safetensors"
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    assert load(own).encode(TEXTS, "query").shape == (len(TEXTS), 8)
    weights.unlink()
    with pytest.raises(HybridBenchError, match=r"no weights in safetensors: pytorch_model\.bin is a pickle, .*\n  Only safe"):
        load(own)


def test_code_beside_a_model_does_not_run(own: Path, tmp_path: Path) -> None:
    modules = json.loads((own / "modules.json").read_text())
    modules[1]["type"] = "own_code.OwnPooling"
    (own / "modules.json").write_text(json.dumps(modules))
    (own / "own_code.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'canary')!r}).mkdir()\n")
    with pytest.raises(HybridBenchError, match=r"cannot load .*own_code\.OwnPooling"):
        load(own)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("damage", [b"", b"[{", b"[]"])
def test_a_model_that_is_not_whole_is_refused(own: Path, damage: bytes) -> None:
    (own / "modules.json").write_bytes(damage)
    with pytest.raises(HybridBenchError, match=r"modules\.json is not (JSON|a list of modules)"):
        load(own)
