"""Linear layers whose weights are packed for oneDNN, which multiplies float32 up to 2.4 times as fast as PyTorch's default.

PyTorch computes a float32 linear layer with MKL, which does not use AVX-512 on processors of other makers than Intel. oneDNN
does, and with weights in its own layout it converts nothing while it computes. Vectors differ by rounding alone; so that they
are never mixed with others, the fingerprint of an encoder says by what it computes.
"""

from __future__ import annotations

import platform
from collections.abc import Callable

import torch

#: The smallest cosine between the outputs of a model before and after packing.
_SAME = 0.9999


def packs(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether linear layers are packed on a device and for a dtype: float32 and bfloat16 on a processor with AVX-512."""
    return (
        device.type == "cpu"
        and dtype in (torch.float32, torch.bfloat16)
        and platform.machine() in ("x86_64", "AMD64")
        and torch.backends.mkldnn.is_available()
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def mark(device: torch.device, dtype: torch.dtype) -> str:
    """What is added to the fingerprint of an encoder whose linear layers are packed."""
    return " onednn" if packs(device, dtype) else ""


def pack(model: torch.nn.Module, outputs: Callable[[], torch.Tensor]) -> bool:
    """Pack all linear layers of a model in place; a model whose outputs would change is left as it is.

    Args:
        model: in evaluation mode, on a device and of a dtype that :func:`packs` accepts.
        outputs: (texts, dimension) of the model for some texts; called before and after.

    Returns:
        Whether it is packed now.
    """
    with torch.inference_mode():
        before = outputs().float()
        layers = [
            (parent, name, child)
            for parent in model.modules()
            for name, child in parent.named_children()
            if type(child) is torch.nn.Linear
        ]
        for parent, name, child in layers:
            setattr(parent, name, PackedLinear(child))
        try:
            cosine = torch.nn.functional.cosine_similarity(before, outputs().float())
            same = bool((cosine >= _SAME).all())
        except (RuntimeError, AttributeError, TypeError):  # code that looks into its layers
            same = False
        if not same:
            for parent, name, child in layers:
                setattr(parent, name, child)
    return same


class PackedLinear(torch.nn.Module):
    """``torch.nn.Linear`` with its weights in oneDNN's layout.

    Args:
        linear: the layer that it computes.
    """

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())
        self.weight = torch.nn.Parameter(packed, requires_grad=False)
        self.bias = linear.bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(..., in features) to (..., out features)."""
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.weight, self.bias, "none", [], "")
        return product
