"""Which device and number format to compute in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hybrid_bench.errors import HybridBenchError, UnknownNameError

if TYPE_CHECKING:
    import torch

DTYPES = ("fp32", "bf16", "fp16")
_KEPT_KERNELS = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


def choose_device(asked: str) -> torch.device:
    """``auto`` is a GPU where there is one; raises if the device that was asked for is not there.

    Bounds what torch keeps on a processor: oneDNN has a kernel for every shape and by default keeps 1,024 of them. Texts have
    many lengths, so memory would grow for hours. 64 are as fast: more than the layers of one micro-batch need.
    """
    import torch

    os.environ.setdefault(_KEPT_KERNELS, "64")  # oneDNN reads it once, when it computes for the first time
    if asked == "auto":
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        device = torch.device(asked)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise HybridBenchError(f"device {asked!r} is not available here", "Use --device cpu or auto.") from error
    return device


def choose_dtype(asked: str, device: torch.device) -> tuple[str, torch.dtype]:
    """``auto`` is bf16 where the device has instructions for it, else fp32.

    On a CPU that emulates bf16 it would be slower than fp32, so ``auto`` asks the processor.
    """
    import torch

    if asked == "auto":
        asked = "bf16" if _computes_bf16(device) else "fp32"
    if asked not in DTYPES:
        raise UnknownNameError("dtype", asked, (*DTYPES, "auto"))
    return asked, {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[asked]


def _computes_bf16(device: torch.device) -> bool:
    import torch

    if device.type == "cpu":
        features = torch.backends.cpu.get_cpu_capability(), torch.cpu.get_capabilities()
        return bool(features[1].get("avx512_bf16") or features[1].get("amx_bf16"))
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
