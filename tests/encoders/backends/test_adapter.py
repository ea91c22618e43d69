"""Folders of adapters: their base and the adapter together, as peft computes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertModel

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from tests.encoders.models import TEXTS, save_transformer


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save_transformer(tmp_path / "base")


@pytest.fixture
def adapter(base: Path, tmp_path: Path) -> Path:
    """A LoRA adapter that changes vectors."""
    torch.manual_seed(3)
    network = BertModel.from_pretrained(base, add_pooling_layer=False)
    adapted = get_peft_model(network, LoraConfig(r=2, target_modules=["query", "value"], init_lora_weights=False))
    adapted.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def load(folder: Path) -> Encoder:
    return load_encoder(str(folder), dtype="fp32", device="cpu", similarity="dot")


def change(folder: Path, **fields: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_vectors_are_those_of_peft(base: Path, adapter: Path) -> None:
    model = PeftModel.from_pretrained(BertModel.from_pretrained(base, add_pooling_layer=False), adapter).eval()
    tokenizer, rows = AutoTokenizer.from_pretrained(base), []
    with torch.no_grad():
        for text in TEXTS:
            rows.append(model(torch.tensor([tokenizer(text)["input_ids"]])).last_hidden_state[0].mean(dim=0).numpy())
    found = load(adapter).encode(TEXTS, "query")
    np.testing.assert_allclose(found, np.array(rows), atol=1e-5)
    assert np.abs(found - load(base).encode(TEXTS, "query")).max() > 0.01


def test_adapter_and_base_are_in_the_fingerprint(base: Path, adapter: Path) -> None:
    found = [load(adapter).fingerprint]
    for path in (base / "model.safetensors", adapter / "adapter_model.safetensors"):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        found.append(load(adapter).fingerprint)
    assert len(set(found)) == 3


def test_a_base_is_found_beside_the_adapter(base: Path, adapter: Path) -> None:
    expected = load(adapter).encode(TEXTS, "query")
    change(adapter, base_model_name_or_path="../base")
    np.testing.assert_array_equal(load(adapter).encode(TEXTS, "query"), expected)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (None, "names no base"),
        (3, "names no base"),
        ("", "names no base"),
        ("/no/such/base", "names the base '/no/such/base', which is not here"),
    ],
)
def test_a_base_that_is_not_there_is_an_error(stated: Any, message: str, adapter: Path) -> None:
    change(adapter, base_model_name_or_path=stated)
    with pytest.raises(HybridBenchError, match=message):
        load(adapter)


@pytest.mark.parametrize("edit", ["prefix", "layer", "configuration"])
def test_an_adapter_that_does_not_fit_is_an_error(edit: str, adapter: Path) -> None:
    path = adapter / "adapter_model.safetensors"
    weights = load_file(path)
    if edit == "prefix":
        save_file({name.replace("base_model.model.", "base_model.model.model."): w for name, w in weights.items()}, path)
    elif edit == "layer":
        save_file({name: weight for name, weight in weights.items() if "layer.1." not in name}, path)
    else:
        change(adapter, target_modules=["query"])
    with pytest.raises(HybridBenchError, match=r"the adapter in .* does not fit its base"):
        load(adapter)


def test_a_pickled_adapter_is_refused(adapter: Path) -> None:
    path = adapter / "adapter_model.safetensors"
    torch.save(load_file(path), adapter / "adapter_model.bin")
    path.unlink()
    with pytest.raises(HybridBenchError, match=r"no weights in safetensors: adapter_model\.bin is a pickle"):
        load(adapter)
