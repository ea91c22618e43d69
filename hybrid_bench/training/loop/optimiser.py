"""AdamW with weight decay on matrices only, and the learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from hybrid_bench.training.recipe import Optimiser


def adamw(weights: dict[str, torch.nn.Parameter], choices: Optimiser) -> torch.optim.AdamW:
    """The optimiser of a recipe. Biases and the gains of normalisation layers have no weight decay."""
    matrices = [weight for weight in weights.values() if weight.ndim > 1]
    vectors = [weight for weight in weights.values() if weight.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": choices.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=choices.learning_rate)


def learning_rate_factor(choices: Optimiser) -> Callable[[int], float]:
    """A function from a step to the factor of the learning rate: a linear warm-up to 1, then the schedule down to 0."""
    warmup = round(choices.warmup * choices.steps)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = (step - warmup) / max(1, choices.steps - warmup)
        return {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2, "constant": 1.0}[choices.schedule]

    return factor
