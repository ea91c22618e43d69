"""A damaged checkpoint is refused, never resumed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.loop import checkpoints, log
from hybrid_bench.training.loop.checkpoints import TrainingState

STATE = TrainingState("a" * 64, 12, 0.25, 8, 1)


def parts() -> tuple[dict[str, torch.nn.Parameter], torch.optim.Optimizer]:
    """Weights and an optimiser after a step."""
    torch.manual_seed(1)
    weights = {"first": torch.nn.Parameter(torch.randn(3, 4)), "second": torch.nn.Parameter(torch.randn(2))}
    optimiser = torch.optim.AdamW(weights.values())
    sum((weight**2).sum() for weight in weights.values()).backward()  # type: ignore[union-attr]
    optimiser.step()
    return weights, optimiser


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint.safetensors"
    checkpoints.save(path, STATE, *parts())
    return path


def resumed(path: Path) -> tuple[TrainingState, list[Any], Any]:
    """The state, the weights and the optimiser's state that a training goes on with."""
    weights = {name: torch.nn.Parameter(torch.zeros_like(weight)) for name, weight in parts()[0].items()}
    optimiser = torch.optim.AdamW(weights.values())
    state = checkpoints.load_state(path, STATE.recipe)
    checkpoints.restore(path, weights, optimiser)
    moments = [{name: value.tolist() for name, value in one.items()} for one in optimiser.state_dict()["state"].values()]
    return state, [weight.tolist() for weight in weights.values()], (moments, optimiser.state_dict()["param_groups"])


def test_everything_comes_back(saved: Path) -> None:
    weights, optimiser = parts()
    state, values, (moments, groups) = resumed(saved)
    assert state == STATE
    assert values == [weight.tolist() for weight in weights.values()]
    assert len(moments) == 2
    assert [dict(one, betas=tuple(one["betas"])) for one in groups] == optimiser.state_dict()["param_groups"]


def test_2000_damaged_checkpoints_are_refused_or_read_right(saved: Path) -> None:
    """Bytes changed, cut, doubled and exchanged; half of the changes are in the header."""
    content = saved.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    right, rng, refused = resumed(saved), random.Random(20), 0
    for number in range(2000):
        damaged = bytearray(content)
        end = header if number % 2 else len(content)
        for _ in range(rng.choice((1, 1, 1, 4))):
            at = rng.randrange(end)
            match rng.randrange(5):
                case 0:
                    damaged[at : at + 1] = bytes([rng.randrange(256)])
                case 1:
                    damaged[at : at + 1] = bytes([content[at] ^ 1 << rng.randrange(8)])
                case 2:
                    del damaged[at : at + rng.choice((1, 8, 4096))]
                case 3:
                    damaged[at:at] = damaged[at : at + rng.choice((1, 8, 64))]
                case 4:
                    other = rng.randrange(end)
                    damaged[at : at + 8], damaged[other : other + 8] = damaged[other : other + 8], damaged[at : at + 8]
        saved.write_bytes(damaged)
        try:
            assert resumed(saved) == right, f"mutation {number}"
        except HybridBenchError as error:
            refused += 1
            assert str(saved) in str(error)
    assert refused > 1900


@pytest.mark.parametrize("part", ["weight/first", "optimiser/0/exp_avg", "optimiser/1/step"])
def test_one_changed_number_is_detected(saved: Path, part: str) -> None:
    from safetensors import safe_open

    tensors = load_file(saved)
    with safe_open(saved, framework="pt") as file:
        header = file.metadata()
    tensors[part] = tensors[part] + 1e-3
    save_file(tensors, saved, metadata=header)
    with pytest.raises(HybridBenchError, match="is damaged: its checksum does not match"):
        checkpoints.load_state(saved, STATE.recipe)


@pytest.mark.parametrize("field", ["step", "best", "waited"])
def test_a_changed_state_is_detected(saved: Path, field: str) -> None:
    from safetensors import safe_open

    tensors = load_file(saved)
    with safe_open(saved, framework="pt") as file:
        header = file.metadata()
    metadata = json.loads(header["hybrid_bench"])
    metadata["standing"][field] += 1
    save_file(tensors, saved, metadata=header | {"hybrid_bench": json.dumps(metadata)})
    with pytest.raises(HybridBenchError, match="is damaged"):
        checkpoints.load_state(saved, STATE.recipe)
    del header["sha256"]
    save_file(tensors, saved, metadata=header)
    with pytest.raises(HybridBenchError, match="has no checksum"):
        checkpoints.load_state(saved, STATE.recipe)


@pytest.mark.parametrize("line", [b"[1]", b'{"step": "4"}', b"\xff\xfe", b"[" * 100_000, b'{"step": null}'])
def test_a_damaged_log_is_cut_before_the_damage(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "training.jsonl"
    path.write_bytes(b'{"step": 1}\n' + line + b'\n{"step": 2}\n')
    log.truncate(path, 5)
    assert path.read_bytes() == b'{"step": 1}\n'
