"""Linear layers by oneDNN, on small real models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hybrid_bench import load_encoder
from hybrid_bench.encoders.backends.packed_linear import PackedLinear, mark, pack, packs
from hybrid_bench.encoders.checkpoint import folder_hash
from tests.encoders.models import TEXTS, save_sentence_transformer, save_transformer

CPU = torch.device("cpu")
INPUTS = torch.randn(7, 16, generator=torch.Generator().manual_seed(3))


class Plain(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Linear(16, 24), torch.nn.Linear(24, 8, bias=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.second(torch.nn.functional.gelu(self.first(inputs)))  # type: ignore[no-any-return]


class ReadsItsWeights(Plain):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(inputs, self.first.weight)


class CountsItsLayers(Plain):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        linear = sum(isinstance(layer, torch.nn.Linear) for layer in self.modules())
        return super().forward(inputs) * torch.arange(8).roll(linear)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_outputs_stay_and_so_does_the_number_of_parameters(dtype: torch.dtype) -> None:
    model = Plain().to(dtype).eval()
    expected, parameters = model(INPUTS.to(dtype)), sum(parameter.numel() for parameter in model.parameters())
    assert pack(model, lambda: model(INPUTS.to(dtype)))
    assert all(isinstance(layer, PackedLinear) for layer in model.children())
    torch.testing.assert_close(model(INPUTS.to(dtype)), expected)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


@pytest.mark.parametrize("kind", [ReadsItsWeights, CountsItsLayers])
def test_a_model_that_looks_into_its_layers_is_left_as_it_is(kind: Callable[[], Plain]) -> None:
    model = kind().eval()
    expected = model(INPUTS)
    assert not pack(model, lambda: model(INPUTS))
    assert all(type(layer) is torch.nn.Linear for layer in model.children())
    assert torch.equal(model(INPUTS), expected)


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
@pytest.mark.parametrize("save", [save_transformer, save_sentence_transformer])
def test_an_encoder_says_in_its_fingerprint_by_what_it_computes(save: Callable[[Path], Path], dtype: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "tiny")
    pooling = None if (folder / "modules.json").exists() else "mean"
    found = load_encoder(str(folder), dtype=dtype, device="cpu", pooling=pooling)
    number = {"fp32": torch.float32, "bf16": torch.bfloat16}[dtype]
    assert found.fingerprint == folder_hash(folder) + mark(CPU, number)
    assert mark(CPU, number) == (" onednn" if packs(CPU, number) else "")
    assert mark(CPU, torch.float16) == ""
    assert np.isfinite(found.encode(TEXTS, "query")).all()
