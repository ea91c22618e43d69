"""The last token of a text: eos pooling of decoders, against plain torch and sentence-transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import AutoTokenizer, GPT2Model

from hybrid_bench import HybridBenchError, load_encoder
from hybrid_bench.encoders.tokens import token_ids
from tests.encoders.models import POSITIONS, TEXTS, save_decoder, save_transformer

TOLERANCE = 1e-5


def last_state(folder: Path, texts: list[str], end: list[int]) -> np.ndarray:
    """(texts, dimension) the state of each text's last token, one text at a time, without padding."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), GPT2Model.from_pretrained(folder).eval()
    with torch.no_grad():
        rows = [
            model(torch.tensor([tokenizer(text)["input_ids"][: POSITIONS - len(end)] + end])).last_hidden_state[0, -1]
            for text in texts
        ]
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("padding", ["left", "right"])
def test_eos_is_appended_where_the_tokenizer_adds_none(tmp_path: Path, padding: str) -> None:
    folder = save_decoder(tmp_path / "gpt2", padding_side=padding)
    eos = AutoTokenizer.from_pretrained(folder).eos_token_id
    texts = [*TEXTS, "rain falls " * POSITIONS, ""]
    found = load_encoder(str(folder), pooling="eos", similarity="dot", device="cpu").encode(texts, "passage")
    np.testing.assert_allclose(found, last_state(folder, texts, [eos]), atol=TOLERANCE)
    last_words = last_state(folder, TEXTS, [])
    assert np.abs(found[: len(TEXTS)] - last_words).max() > 0.01


def test_eos_is_not_appended_twice(tmp_path: Path) -> None:
    folder = save_decoder(tmp_path / "gpt2", adds_eos=True)
    found = load_encoder(str(folder), pooling="eos", similarity="dot", device="cpu").encode(TEXTS, "passage")
    np.testing.assert_allclose(found, last_state(folder, TEXTS, []), atol=TOLERANCE)
    bert = AutoTokenizer.from_pretrained(save_transformer(tmp_path / "bert"))
    assert token_ids(bert, TEXTS, 8, "eos") == bert(TEXTS, truncation=True, max_length=8)["input_ids"]


def test_a_model_without_a_token_for_the_end_has_no_eos_pooling(tmp_path: Path) -> None:
    folder = save_decoder(tmp_path / "gpt2", eos=None)
    with pytest.raises(HybridBenchError, match="the tokenizer of this model has no such token\n  Choose --pooling mean or cls"):
        load_encoder(str(folder), pooling="eos", device="cpu").encode(TEXTS, "query")
    assert load_encoder(str(folder), device="cpu").encode(TEXTS, "query").shape == (len(TEXTS), 16)


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("pooling", ["lasttoken", "mean", "cls"])
def test_decoders_of_sentence_transformers_have_its_vectors_however_they_are_padded(
    tmp_path: Path, pooling: str, padding: str
) -> None:
    """Text by text, since a decoder with absolute positions that is padded on the left depends on the padding."""
    decoder = save_decoder(tmp_path / "gpt2", adds_eos=True, padding_side=padding)
    model = SentenceTransformer(modules=[Transformer(str(decoder)), Pooling(16, pooling_mode=pooling)], device="cpu")
    model.save(str(tmp_path / "saved"))
    expected = SentenceTransformer(str(tmp_path / "saved"), device="cpu").encode(TEXTS, batch_size=1)
    found = load_encoder(str(tmp_path / "saved"), similarity="dot", device="cpu").encode(TEXTS, "passage")
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    ours = {"lasttoken": "eos"}.get(pooling, pooling)
    bare = load_encoder(str(decoder), pooling=ours, similarity="dot", device="cpu").encode(TEXTS, "passage")
    np.testing.assert_allclose(bare, expected, atol=TOLERANCE)
