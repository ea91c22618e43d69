"""Choice of compute device and dtype."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from hybrid_bench import HybridBenchError
from hybrid_bench.encoders.devices import choose_device, choose_dtype

CPU = torch.device("cpu")

_MANY_SHAPES = """
import torch
from hybrid_bench.encoders.devices import choose_device
device = choose_device("cpu")
for length in (*range(50, 150), 50):
    torch.nn.functional.conv1d(torch.zeros(4, 32, length, device=device), torch.zeros(32, 32, 3, device=device))
"""


def test_the_device_that_was_asked_for_is_taken() -> None:
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize("accelerator", [None, torch.device("cuda"), torch.device("mps")])
def test_auto_is_an_accelerator_where_there_is_one(monkeypatch: pytest.MonkeyPatch, accelerator: torch.device | None) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: accelerator)
    assert choose_device("auto") == (accelerator or CPU)


@pytest.mark.parametrize("device", ["cuda:99", "fpga", "", "cpu cuda"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(HybridBenchError, match=f"device '{device}' is not available here\n  Use --device cpu or auto"):
        choose_device(device)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch without oneDNN")
@pytest.mark.parametrize(("own", "again"), [({}, "cache_miss"), ({"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1000"}, "cache_hit")])
def test_kernels_of_many_shapes_are_not_all_kept(own: dict[str, str], again: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONEDNN")}
    done = subprocess.run(
        [sys.executable, "-c", _MANY_SHAPES],
        env=environment | {"ONEDNN_VERBOSE": "profile_create"} | own,
        capture_output=True,
        text=True,
        check=True,
    )
    made = [line for line in done.stdout.splitlines() if ",create:cache_" in line]
    assert "create:cache_miss" in made[0]
    assert f"create:{again}" in made[-1]


@pytest.mark.parametrize(("asked", "expected"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_the_format_that_was_asked_for_is_taken(asked: str, expected: torch.dtype) -> None:
    assert choose_dtype(asked, CPU) == (asked, expected)


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, ("bf16", torch.bfloat16)),
        ({"avx512_bf16": False, "amx_bf16": True}, ("bf16", torch.bfloat16)),
        ({"avx512_f": True}, ("fp32", torch.float32)),
        ({}, ("fp32", torch.float32)),
    ],
)
def test_auto_is_bf16_where_the_processor_has_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, processor: dict[str, bool], expected: tuple[str, torch.dtype]
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    assert choose_dtype("auto", CPU) == expected


@pytest.mark.parametrize("native", [True, False])
def test_auto_is_bf16_on_a_gpu_that_does_not_emulate_it(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    assert choose_dtype("auto", torch.device("cuda"))[0] == ("bf16" if native else "fp32")


def test_an_unknown_format_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(HybridBenchError, match=r"unknown dtype 'fp23'\n  Did you mean fp32"):
        choose_dtype("fp23", CPU)
    with pytest.raises(HybridBenchError, match=r"unknown dtype 'q4'\n  Known: auto, bf16, fp16, fp32"):
        choose_dtype("q4", CPU)
