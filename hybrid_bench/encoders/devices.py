"""Choice of the compute device and dtype."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hybrid_bench.errors import HybridBenchError, UnknownNameError

if TYPE_CHECKING:
    import torch

DTYPES = ("fp32", "bf16", "fp16")
#: Other names of dtypes, as torch and transformers use them.
ALIASES = {"float32": "fp32", "float": "fp32", "bfloat16": "bf16", "float16": "fp16", "half": "fp16"}
_KERNEL_CACHE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


def canonical_dtype(name: str) -> str:
    """The name of a dtype in results: ``bf16`` for ``bfloat16`` or ``torch.bfloat16``; another name stays."""
    return ALIASES.get(name.removeprefix("torch."), name)


def choose_device(requested: str) -> torch.device:
    """Return a torch device; ``auto`` is an accelerator if there is one, else the CPU.

    Also limits oneDNN's kernel cache on a CPU to 64 entries. It holds one kernel per shape, 1,024 by default, so that memory
    would grow for hours with texts of many lengths. 64 are as fast: more than the layers of one batch need.

    Raises:
        HybridBenchError: if the device is not available.
    """
    import torch

    os.environ.setdefault(_KERNEL_CACHE, "64")  # oneDNN reads it once, at its first computation
    if requested == "auto":
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        device = torch.device(requested)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise HybridBenchError(f"device {requested!r} is not available here", "Use --device cpu or auto.") from error
    return device


def choose_dtype(requested: str, device: torch.device) -> tuple[str, torch.dtype]:
    """Return a dtype by its name and as torch's; ``auto`` is bf16 if the device has instructions for it, else fp32.

    A CPU that emulates bf16 would be slower than with fp32.

    Raises:
        UnknownNameError: if there is no such dtype.
    """
    import torch

    requested = canonical_dtype(requested)
    if requested == "auto":
        requested = "bf16" if _computes_bf16(device) else "fp32"
    if requested not in DTYPES:
        raise UnknownNameError("dtype", requested, (*DTYPES, "auto"))
    return requested, {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[requested]


def _computes_bf16(device: torch.device) -> bool:
    import torch

    if device.type == "cpu":
        features = torch.backends.cpu.get_cpu_capability(), torch.cpu.get_capabilities()
        return bool(features[1].get("avx512_bf16") or features[1].get("amx_bf16"))
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
