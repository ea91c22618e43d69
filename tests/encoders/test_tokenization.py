"""Models without the files of their tokenizer, or with a tokenizer that does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoConfig,
    BertTokenizerFast,
    ByT5Tokenizer,
    CanineConfig,
    CanineModel,
    CanineTokenizer,
    PreTrainedTokenizerFast,
)

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from hybrid_bench.encoders.tokenization import check_tokenizer
from hybrid_bench.training.encoder.base import Base
from hybrid_bench.training.loop.trainable_model import TrainableModel
from tests.encoders.models import SPECIAL, TEXTS, VOCABULARY, save_tokenizer
from tests.training.tiny_training import recipe

KINDS = pytest.mark.parametrize("kind", ["bare", "saved"])


def load(folder: Path, **options: Any) -> Encoder:
    encoder = load_encoder(str(folder), dtype="fp32", device="cpu", **options)
    encoder.encode(TEXTS, "query")
    return encoder


def remove_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*.json"):
        path.unlink()


def change_tokenizer(folder: Path, **fields: Any) -> None:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@KINDS
def test_a_model_without_tokenizer_files_is_refused(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    remove_tokenizer(folder)
    with pytest.raises(HybridBenchError, match=r"does not tell words apart: its vocabulary is empty\n.*; this folder has none"):
        load(folder)


def test_a_training_does_not_start_without_tokenizer_files(tmp_path: Path) -> None:
    own = recipe(tmp_path)
    remove_tokenizer(Base.load(own).folder)
    for load_base in (Base.load, TrainableModel.load):
        with pytest.raises(HybridBenchError, match=r"does not tell words apart"):
            load_base(own)


@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta", "gpt2", "t5", "qwen3", "deberta-v2", "gemma", "llama", "mpnet"])
def test_no_kind_of_model_gets_an_empty_tokenizer(model_type: str, tmp_path: Path) -> None:
    """The weights are not reached: the tokenizer comes first."""
    AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    with pytest.raises(HybridBenchError, match=r"does not tell words apart|cannot load "):
        load_encoder(str(tmp_path), device="cpu", dtype="fp32")


@KINDS
@pytest.mark.parametrize("pre_tokenizer", [None, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}])
def test_a_tokenizer_that_splits_texts_otherwise_than_its_vocabulary_is_refused(
    pre_tokenizer: Any, kind: str, request: pytest.FixtureRequest
) -> None:
    """Without one, each word alone is known, but no text of two; with the other one, no word."""
    folder = request.getfixturevalue(kind)
    change_tokenizer(folder, pre_tokenizer=pre_tokenizer)
    with pytest.raises(HybridBenchError, match=r"does not tell words apart: of 15 words of its vocabulary, (15|0|1) have"):
        load(folder)


def test_static_embeddings_are_checked_too(tmp_path: Path) -> None:
    torch.manual_seed(7)
    embedding = StaticEmbedding(save_tokenizer(tmp_path / "tokenizer"), embedding_dim=8)
    SentenceTransformer(modules=[embedding], device="cpu").save(str(tmp_path / "saved"))
    assert load(tmp_path / "saved").card.dimension == 8
    change_tokenizer(tmp_path / "saved", pre_tokenizer=None)
    with pytest.raises(HybridBenchError, match=r"does not tell words apart"):
        load(tmp_path / "saved")


def test_pieces_that_continue_words_are_tried_as_words(tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in f"{letters}0123456789")]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces))
    check_tokenizer("letters", BertTokenizerFast(str(tmp_path / "vocab.txt")))


def test_tokenizers_that_need_no_files_are_fine() -> None:
    check_tokenizer("byt5", ByT5Tokenizer())


def test_a_model_of_characters_has_no_row_for_each(tmp_path: Path) -> None:
    config = CanineConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, max_position_embeddings=64
    )
    CanineModel(config).save_pretrained(tmp_path / "canine")
    CanineTokenizer().save_pretrained(tmp_path / "canine")
    assert load(tmp_path / "canine", max_length=32).card.dimension == 16


@KINDS
def test_a_vocabulary_beyond_the_embeddings_is_refused(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    own = PreTrainedTokenizerFast.from_pretrained(folder)
    own.add_tokens(["snow", "ice"])
    own.save_pretrained(folder)
    message = r"has embeddings for 19 tokens, but its tokenizer has 2 beyond them, first 'snow' with id 19"
    with pytest.raises(HybridBenchError, match=message):
        load(folder)


@KINDS
def test_without_a_padding_token_it_is_the_one_that_ends_texts(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    expected = load(folder).encode(TEXTS, "passage")
    path = folder / "tokenizer_config.json"
    stated = json.loads(path.read_text())
    del stated["pad_token"]
    path.write_text(json.dumps(stated | {"eos_token": "[SEP]"}))
    np.testing.assert_allclose(load(folder).encode(TEXTS, "passage"), expected, atol=1e-5)
    path.write_text(json.dumps(stated))
    with pytest.raises(HybridBenchError, match=r"neither a padding token nor an end-of-sequence token\n  State a pad_token"):
        load(folder)


@pytest.mark.parametrize("length", ["512", -1, 0, None, [3]])
def test_a_length_that_is_no_number_is_refused(length: Any, bare: Path) -> None:
    path = bare / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": length}))
    if length is None:  # as if it were not stated
        assert load(bare).card.max_length == 32
        return
    with pytest.raises(HybridBenchError, match=r"model_max_length = -?\d+\n  Set it|cannot load "):
        load(bare)


def test_words_that_are_all_alike_are_refused() -> None:
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(VOCABULARY)}, SPECIAL["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    own = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL)
    check_tokenizer("ours", own)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([])
    with pytest.raises(HybridBenchError, match="does not tell words apart"):
        check_tokenizer("ours", PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL))
