"""Checkpoints that do not have every weight, through every loader; pickles."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from transformers import BertForMaskedLM, BertModel

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from hybrid_bench.training.encoder.base import Base
from hybrid_bench.training.loop.trainable_model import TrainableModel
from tests.encoders.models import TEXTS, save_sentence_transformer
from tests.training.tiny_training import recipe

Weights = dict[str, torch.Tensor]


def load(folder: Path) -> Encoder:
    encoder = load_encoder(str(folder), dtype="fp32", device="cpu")
    encoder.encode(TEXTS, "query")
    return encoder


def change(folder: Path, edit: Callable[[Weights], Weights]) -> None:
    path = folder / "model.safetensors"
    weights = edit(load_file(path))
    save_file(weights, path, {"format": "pt"})


def prefixed(prefix: str) -> Callable[[Weights], Weights]:
    return lambda weights: {f"{prefix}{name}": weight for name, weight in weights.items()}


def without(part: str) -> Callable[[Weights], Weights]:
    return lambda weights: {name: weight for name, weight in weights.items() if part not in name}


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.encoder_q.", "ctx_encoder.bert_model.", "module.bert."])
@pytest.mark.parametrize("kind", ["bare", "saved"])
def test_names_with_a_prefix_are_an_error_that_says_how_to_rename_them(
    prefix: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(kind)
    expected = load(folder).encode(TEXTS, "query")
    change(folder, prefixed(prefix))
    with pytest.raises(
        HybridBenchError, match=r"of the model's \d+ weights are not in its checkpoint: embeddings\.\w+"
    ) as refused:
        load(folder)
    assert f"they are there with {prefix!r} before their names" in refused.value.problem
    command = refused.value.remedy.split(": ", 1)[1]
    exec(command, {"f": folder / "model.safetensors"})  # noqa: S102  # the remedy works
    np.testing.assert_array_equal(load(folder).encode(TEXTS, "query"), expected)


@pytest.mark.parametrize("kind", ["bare", "saved"])
@pytest.mark.parametrize("part", ["layer.1.", "word_embeddings", "layer.0.output.dense.bias", ""])
def test_weights_that_are_not_there_are_named(part: str, kind: str, request: pytest.FixtureRequest) -> None:
    """An empty part is in every name: no weights at all."""
    folder = request.getfixturevalue(kind)
    change(folder, without(part))
    with pytest.raises(
        HybridBenchError, match=r"weights are not in its checkpoint: (embeddings|encoder\.layer)[\w.]+"
    ) as refused:
        load(folder)
    assert part in refused.value.problem
    assert "would be random" in refused.value.remedy


@pytest.mark.parametrize("kind", ["bare", "saved"])
def test_weights_of_another_shape_are_named(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 64}))
    with pytest.raises(HybridBenchError, match=r"do not have the shape .* first encoder\.layer\.0\.\S+: \(32,\) for \(64,\)"):
        load(folder)


def test_a_training_does_not_start_from_incomplete_weights(tmp_path: Path) -> None:
    own = recipe(tmp_path)
    base = Base.load(own)
    change(base.folder, without("layer.1.output.dense"))
    for load_base in (Base.load, TrainableModel.load):
        with pytest.raises(HybridBenchError, match=r"2 of the model's 37 weights are not in its checkpoint: encoder\.layer\.1"):
            load_base(own)


@pytest.mark.parametrize("with_pooler", [True, False])
@pytest.mark.parametrize("kind", ["bare", "saved"])
def test_a_pooling_layer_that_nothing_uses_may_lack_or_be_there(
    with_pooler: bool, kind: str, request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = request.getfixturevalue(kind)
    expected = load(folder).encode(TEXTS, "query")
    pooler = {"pooler.dense.weight": torch.ones(16, 16), "pooler.dense.bias": torch.ones(16)} if with_pooler else {}
    change(folder, lambda weights: without("pooler")(weights) | pooler)
    capfd.readouterr()
    np.testing.assert_array_equal(load(folder).encode(TEXTS, "query"), expected)
    assert capfd.readouterr() == ("", "")


def test_a_pooling_layer_that_a_module_uses_may_not_lack(tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path)
    path = folder / "sentence_bert_config.json"
    used = {"text": {"method": "forward", "method_output_name": "pooler_output"}}
    stated = json.loads(path.read_text()) | {"modality_config": used, "module_output_name": "sentence_embedding"}
    path.write_text(json.dumps(stated))
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(modules[:1]))
    assert load(folder).card.dimension == 16
    change(folder, without("pooler"))
    with pytest.raises(
        HybridBenchError, match=r"saved uses the output of .* pooling layer, whose weights are missing: pooler\.dense"
    ):
        load(folder)


def test_a_head_that_nothing_uses_is_ignored(bare: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A checkpoint of masked language modelling, with ``bert.`` before the names, and a head."""
    expected = load(bare).encode(TEXTS, "query")
    model = BertForMaskedLM(BertModel.from_pretrained(bare, add_pooling_layer=False).config)
    model.bert.load_state_dict(BertModel.from_pretrained(bare, add_pooling_layer=False).state_dict())
    model.save_pretrained(bare)
    capfd.readouterr()
    np.testing.assert_array_equal(load(bare).encode(TEXTS, "query"), expected)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("decoy", [False, True])
def test_no_module_is_loaded_from_a_pickle(saved: Path, decoy: bool) -> None:
    """sentence-transformers takes ``pytorch_model.bin`` if a module has no ``model.safetensors``, whatever else is there."""
    weights = saved / "2_Dense" / "model.safetensors"
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    if decoy:
        shutil.copyfile(weights, weights.with_name("decoy.safetensors"))
    weights.unlink()
    with pytest.raises(HybridBenchError, match=r"pytorch_model\.bin"):
        load(saved)


def test_the_libraries_are_as_before(bare: Path, saved: Path) -> None:
    before = torch.load, BertModel.from_pretrained.__func__
    load(bare)
    load(saved)
    change(bare, without("layer.1."))
    with pytest.raises(HybridBenchError):
        load(bare)
    assert (torch.load, BertModel.from_pretrained.__func__) == before
    assert SentenceTransformer(str(saved), device="cpu").encode(TEXTS).shape == (len(TEXTS), 8)
