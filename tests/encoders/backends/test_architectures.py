"""Small models of many architectures, each against the plain model on one text at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from tests.encoders.models import TEXTS, VOCABULARY, save_tokenizer

TOLERANCE = 1e-5
ENDLESS = "rain falls " * 200
SIZE = {"vocab_size": len(VOCABULARY), "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
BERT = SIZE | {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 34,
}
T5 = SIZE | {"d_model": 16, "num_layers": 2, "num_heads": 2, "d_ff": 32, "d_kv": 8, "decoder_start_token_id": 0}
BART = (
    SIZE
    | {"d_model": 16, "max_position_embeddings": 32, "decoder_start_token_id": 0}
    | {
        f"{side}_{name}": number
        for side in ("encoder", "decoder")
        for name, number in {"layers": 1, "attention_heads": 2, "ffn_dim": 32}.items()
    }
)
GPT2 = SIZE | {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32}
OPT = SIZE | {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "ffn_dim": 32,
    "max_position_embeddings": 32,
    "word_embed_proj_dim": 8,
}
XLNET = SIZE | {"d_model": 16, "n_layer": 1, "n_head": 2, "d_inner": 32}
#: Model to its settings, and the number of tokens that it reads.
TEXT_MODELS: dict[str, tuple[dict[str, Any], int]] = {
    "Bert": (BERT, 34),
    "Roberta": (BERT | {"pad_token_id": 1}, 32),
    "MPNet": (BERT, 32),
    "Camembert": (BERT | {"pad_token_id": 1}, 32),
    "Electra": (BERT | {"embedding_size": 8}, 34),
    "T5": (T5, 512),
    "MT5": (T5, 512),
    "Bart": (BART, 32),
    "M2M100": (BART, 32),
    "GPT2": (GPT2, 32),
    "OPT": (OPT, 32),
    "XLNet": (XLNET, 512),
    "Llama": (BERT, 34),
}


def save(folder: Path, kind: str, settings: dict[str, Any]) -> Path:
    torch.manual_seed(5)
    model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**settings)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def load(folder: Path, **options: Any) -> Encoder:
    return load_encoder(str(folder), **({"dtype": "fp32", "device": "cpu"} | options))


@pytest.fixture(params=TEXT_MODELS)
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str, int]:
    settings, length = TEXT_MODELS[request.param]
    return save(tmp_path / request.param.lower(), request.param, settings), request.param, length


def test_vectors_are_those_of_the_plain_model(saved: tuple[Path, str, int]) -> None:
    """Of an encoder-decoder model, those of its encoder."""
    folder, kind, _ = saved
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = getattr(transformers, f"{kind}Model").from_pretrained(folder).eval()
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    rows = []
    with torch.no_grad():
        for text in TEXTS:
            rows.append(model(torch.tensor([tokenizer(text)["input_ids"]])).last_hidden_state[0].mean(dim=0).numpy())
    encoder = load(folder, similarity="dot")
    np.testing.assert_allclose(encoder.encode(TEXTS, "query"), np.array(rows), atol=TOLERANCE)
    assert encoder.card.dimension == rows[0].shape[0]


def test_a_text_of_any_length_is_truncated_at_the_positions(saved: tuple[Path, str, int]) -> None:
    folder, _, length = saved
    encoder = load(folder)
    assert encoder.card.max_length == length
    assert np.isfinite(encoder.encode([ENDLESS], "passage")).all()
    if length < 512:
        with pytest.raises(HybridBenchError, match=f"max_length {length + 1} is more than the model's {length} positions"):
            load(folder, max_length=length + 1)


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "MPNet", "T5", "GPT2"])
def test_saved_with_sentence_transformers_it_is_truncated_too(kind: str, tmp_path: Path) -> None:
    """sentence-transformers itself takes ``max_position_embeddings`` at its word, and fails on longer texts."""
    settings, length = TEXT_MODELS[kind]
    bare = save(tmp_path / "bare", kind, settings)
    model = SentenceTransformer(modules=[Transformer(str(bare)), Pooling(16, "mean")], device="cpu")
    model.save(str(tmp_path / "saved"))
    encoder = load(tmp_path / "saved")
    assert length in {encoder.card.max_length, 512}
    assert np.isfinite(encoder.encode([ENDLESS], "passage")).all()
    np.testing.assert_allclose(encoder.encode(TEXTS, "query"), load(bare).encode(TEXTS, "query"), atol=TOLERANCE)


def vit() -> transformers.PreTrainedModel:
    config = transformers.ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=32)
    return transformers.ViTModel(config)


def dpr() -> transformers.PreTrainedModel:
    return transformers.DPRQuestionEncoder(transformers.DPRConfig(**BERT))


@pytest.mark.parametrize("make", [vit, dpr])
def test_a_model_of_another_kind_is_refused(make: Callable[[], transformers.PreTrainedModel], tmp_path: Path) -> None:
    make().save_pretrained(tmp_path / "other")
    save_tokenizer(tmp_path / "other")
    with pytest.raises(HybridBenchError, match=r"does not turn texts into vectors of tokens: .*\n  If it is not an encoder of"):
        load(tmp_path / "other")
