"""Which device and number format are chosen."""

from __future__ import annotations

import pytest
import torch

from hybrid_bench import HybridBenchError
from hybrid_bench.encoders.devices import choose_device, choose_dtype

CPU = torch.device("cpu")


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
