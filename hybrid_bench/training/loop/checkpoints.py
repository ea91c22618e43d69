"""Checkpoints: one file with all that a killed training needs to go on as if it had not been."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.atomic import writing

if TYPE_CHECKING:
    import torch

_FACTS = "hybrid_bench"
_WEIGHT, _OPTIMISER = "weight/", "optimiser/"


@dataclass
class Standing:
    """Where a training stands.

    Attributes:
        recipe: hash of the recipe and the data.
        step: steps that are done.
        best: the best dev value so far; higher is better.
        best_step: where it was seen; 0: nowhere yet.
        waited: looks at the dev set since.
    """

    recipe: str
    step: int = 0
    best: float | None = None
    best_step: int = 0
    waited: int = 0


def save(
    path: Path,
    standing: Standing,
    weights: dict[str, torch.nn.Parameter],
    optimiser: torch.optim.Optimizer | None = None,
) -> None:
    """Write weights, and with an optimiser its state: the whole file or nothing.

    Raises:
        HybridBenchError: if a weight is not finite; what was saved before stays.
    """
    import torch
    from safetensors.torch import save_file

    tensors = {f"{_WEIGHT}{name}": weight.detach().cpu().contiguous() for name, weight in weights.items()}
    odd = [name for name, values in tensors.items() if not torch.isfinite(values).all()]
    if odd:
        raise HybridBenchError(
            f"after step {standing.step} the weights of {odd[0].removeprefix(_WEIGHT)} are not finite",
            f"Lower the learning rate; {path} still holds the last good ones." if path.is_file() else "Lower the learning rate.",
        )
    facts: dict[str, Any] = {"standing": asdict(standing)}
    if optimiser is not None:
        state = optimiser.state_dict()
        facts["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"{_OPTIMISER}{index}/{name}": torch.as_tensor(value).cpu() for name, value in values.items()}
    with writing(path) as temporary:
        save_file(tensors, temporary, metadata={_FACTS: json.dumps(facts)})


def standing(path: Path, recipe: str) -> Standing:
    """Where a checkpoint stands.

    Raises:
        HybridBenchError: if it is damaged, or of another recipe or other data.
    """
    try:
        found = Standing(**_read(path)[0]["standing"])
    except (KeyError, TypeError) as error:
        raise HybridBenchError(f"{path} is not a checkpoint of a training: {error}", "Delete it to begin anew.") from error
    if found.recipe != recipe:
        raise HybridBenchError(
            f"{path} is a checkpoint of another recipe or of other data",
            "Give another --out, or delete the folder to begin anew.",
        )
    return found


def restore(path: Path, weights: dict[str, torch.nn.Parameter], optimiser: torch.optim.Optimizer | None = None) -> None:
    """Put the weights back, and with an optimiser its state.

    Raises:
        HybridBenchError: if the checkpoint is damaged or has other weights.
    """
    import torch

    facts, tensors = _read(path)
    stored = {name.removeprefix(_WEIGHT): values for name, values in tensors.items() if name.startswith(_WEIGHT)}
    if stored.keys() != weights.keys():
        raise HybridBenchError(f"{path} holds other weights than are trained", "Give another --out to begin anew.")
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(stored[name])
    if optimiser is None:
        return
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, values in tensors.items():
        if name.startswith(_OPTIMISER):
            index, _, key = name.removeprefix(_OPTIMISER).partition("/")
            state.setdefault(int(index), {})[key] = values
    optimiser.load_state_dict({"state": state, "param_groups": facts["groups"]})


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})[_FACTS])
            return facts, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no dict
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise HybridBenchError(f"{path} is not a checkpoint of a training: {error}", "Delete it to begin anew.") from error
