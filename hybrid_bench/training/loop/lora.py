"""LoRA layers at about the cost of the plain linear layer.

peft computes ``W x + s B (A x)``, which reads and writes the layer's output three more times; on a CPU that takes as long as
the product. Here a layer computes ``(W + s B A) x``: one large product forward, one backward, and two low-rank ones for A and B.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, cast

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora.layer import Linear
from torch import Tensor, nn

_ADAPTER = "default"


class _MergedProduct(torch.autograd.Function):
    """``x M^T + bias`` with ``M = W + s B A``, and the gradients of x, the bias, A and B."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, merged: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float) -> Tensor:
        """(..., in) -> (..., out)."""
        ctx.save_for_backward(x, merged, a, b)
        ctx.scale = scale
        return nn.functional.linear(x, merged, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, Tensor | None, Tensor, Tensor, None]:
        """Gradients, with G that of the output: x: G M; bias: sum of G's rows; A: s (G B)^T x; B: s G^T (x A^T)."""
        (gradient,) = gradients
        x, merged, a, b = ctx.saved_tensors
        # As matrices: the product of three and two dimensions would copy the weights for every text.
        rows, inputs = gradient.reshape(-1, gradient.shape[-1]), x.reshape(-1, x.shape[-1])
        of_x = (rows @ merged).view(x.shape) if ctx.needs_input_grad[0] else None
        of_bias = rows.sum(dim=0) if ctx.needs_input_grad[2] else None
        of_a = ctx.scale * ((rows @ b).T @ inputs)
        of_b = ctx.scale * (rows.T @ (inputs @ a.T))
        return of_x, None, of_bias, of_a, of_b, None


class MergedLinear(Linear):
    """peft's LoRA layer, computed as one product unless the low-rank branch needs its own dropout."""

    #: What the merged weight was computed from, and the weight.
    _kept: tuple[tuple[Any, ...], Tensor] | None = None

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """(..., in) -> (..., out)."""
        dropout = self.lora_dropout[_ADAPTER]
        plain = isinstance(dropout, nn.Identity) or not self.training
        if not plain or self.merged or self.disable_adapters or args or kwargs:
            result: Tensor = super().forward(x, *args, **kwargs)
            return result
        device = x.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        base = cast(nn.Linear, self.get_base_layer())
        a, b, scale = low_rank(self)
        merged = self._merged_weight(base.weight, a, b, scale, dtype)
        # Cast here, so that all gradients have the same dtype: autocast does not apply inside the custom backward.
        bias = None if base.bias is None else base.bias.to(dtype)
        product: Tensor = _MergedProduct.apply(  # type: ignore[no-untyped-call]
            x.to(dtype), merged, bias, a.to(dtype), b.to(dtype), scale
        )
        return product

    def _merged_weight(self, weight: Tensor, a: Tensor, b: Tensor, scale: float, dtype: torch.dtype) -> Tensor:
        """``W + s B A``, rounded once. It is kept until one of them changes: a step has many micro-batches."""
        # The version of a tensor changes with every in-place operation, as those of optimisers.
        state = (dtype, scale, *((tensor.data_ptr(), tensor._version) for tensor in (weight, a, b)))
        if self._kept is None or self._kept[0] != state:
            with torch.no_grad(), torch.autocast(weight.device.type, enabled=False):
                self._kept = state, torch.addmm(weight, b, a, alpha=scale).to(dtype)
        return self._kept[1]


def low_rank(layer: MergedLinear) -> tuple[nn.Parameter, nn.Parameter, float]:
    """A (rank, in), B (out, rank) and the scale of a layer."""
    a, b = cast(nn.Linear, layer.lora_A[_ADAPTER]), cast(nn.Linear, layer.lora_B[_ADAPTER])
    return cast(nn.Parameter, a.weight), cast(nn.Parameter, b.weight), float(layer.scaling[_ADAPTER])


def add_lora(model: nn.Module, targets: str | list[str], rank: int, scale: float, dropout: float, *, biases: bool) -> None:
    """Add a low-rank update, initially 0, to every target layer, and freeze all other weights (except biases, if requested).

    Args:
        model: the transformer.
        targets: names or suffixes of names of linear layers, or ``all-linear``.
        rank: of the updates.
        scale: an update is multiplied by ``scale / rank``.
        dropout: before A.
        biases: whether all biases of the model are trained.

    Raises:
        ValueError: if no layer matches the targets.
    """
    config = LoraConfig(
        r=rank,
        lora_alpha=scale,  # type: ignore[arg-type]
        lora_dropout=dropout,
        target_modules=copy.copy(targets),
        bias="all" if biases else "none",
    )
    config._register_custom_module({nn.Linear: MergedLinear})
    inject_adapter_in_model(config, model, adapter_name=_ADAPTER)


def factors(model: nn.Module) -> dict[str, tuple[nn.Parameter, nn.Parameter, float]]:
    """Name in the base of each layer with a low-rank update to its A, B and scale."""
    return {name: low_rank(layer) for name, layer in model.named_modules() if isinstance(layer, MergedLinear)}


def without_adapters(weights: Mapping[str, nn.Parameter]) -> dict[str, nn.Parameter]:
    """The weights other than A and B, by their names in the base."""
    return {name.replace(".base_layer.", "."): weight for name, weight in weights.items() if ".lora_" not in name}
