"""Checkpoints: one file with all that an interrupted training needs to resume exactly."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.atomic import writing

if TYPE_CHECKING:
    import torch

#: Files in the working folder of a training.
CHECKPOINT, LOG = "checkpoint.safetensors", "training.jsonl"

_METADATA = "hybrid_bench"
#: The metadata's entry for the training state. Part of the file format.
_STATE = "standing"
_WEIGHT, _OPTIMISER = "weight/", "optimiser/"


@dataclass
class TrainingState:
    """The progress of a training. The field names are part of the checkpoint format.

    Attributes:
        recipe: hash of the recipe, the data and the base.
        step: completed steps.
        best: the best development score so far; higher is better.
        best_step: the step of the best score.
        waited: evaluations since the best score, compared with ``dev.patience``.
    """

    recipe: str
    step: int = 0
    best: float | None = None
    best_step: int = 0
    waited: int = 0


def best_weights(step: int | str) -> str:
    """The file name of the best weights, with their step, so that those of the last checkpoint stay until the next one."""
    return f"best-{step}.safetensors"


def save(
    path: Path,
    state: TrainingState,
    weights: dict[str, torch.nn.Parameter],
    optimiser: torch.optim.Optimizer | None = None,
) -> None:
    """Write weights, and optionally the optimiser's state, atomically.

    Raises:
        HybridBenchError: if a weight is not finite; the previous file is kept.
    """
    import torch
    from safetensors.torch import save_file

    tensors = {f"{_WEIGHT}{name}": weight.detach().cpu().contiguous() for name, weight in weights.items()}
    bad = [name for name, values in tensors.items() if not torch.isfinite(values).all()]
    if bad:
        raise HybridBenchError(
            f"after step {state.step} the weights of {bad[0].removeprefix(_WEIGHT)} are not finite",
            f"Lower the learning rate; {path} still holds the last finite weights."
            if path.is_file()
            else "Lower the learning rate.",
        )
    metadata: dict[str, Any] = {_STATE: asdict(state)}
    if optimiser is not None:
        optimiser_state = optimiser.state_dict()
        metadata["groups"] = optimiser_state["param_groups"]
        for index, values in optimiser_state["state"].items():
            tensors |= {f"{_OPTIMISER}{index}/{name}": torch.as_tensor(value).cpu() for name, value in values.items()}
    with writing(path) as temporary:
        save_file(tensors, temporary, metadata={_METADATA: json.dumps(metadata)})


def load_state(path: Path, recipe: str) -> TrainingState:
    """The training state of a checkpoint.

    Args:
        path: the checkpoint.
        recipe: the expected hash of recipe, data and base.

    Raises:
        HybridBenchError: if the file is corrupt, or belongs to another recipe, other data or another base.
    """
    try:
        found = TrainingState(**_read(path)[0][_STATE])
    except (KeyError, TypeError) as error:
        raise HybridBenchError(f"{path} is not a training checkpoint: {error}", "Delete it to start again.") from error
    if found.recipe != recipe:
        raise HybridBenchError(
            f"{path} is a checkpoint of another recipe or of other data",
            "Use another --out, or delete the folder to start again.",
        )
    return found


def restore(path: Path, weights: dict[str, torch.nn.Parameter], optimiser: torch.optim.Optimizer | None = None) -> None:
    """Load the weights of a checkpoint, and optionally the optimiser's state, in place.

    Raises:
        HybridBenchError: if the checkpoint is corrupt or has other weights.
    """
    import torch

    metadata, tensors = _read(path)
    stored = {name.removeprefix(_WEIGHT): values for name, values in tensors.items() if name.startswith(_WEIGHT)}
    if stored.keys() != weights.keys():
        raise HybridBenchError(f"{path} does not hold the weights that are trained", "Use another --out to start again.")
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
    optimiser.load_state_dict({"state": state, "param_groups": metadata["groups"]})


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = json.loads((file.metadata() or {})[_METADATA])
            return metadata, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise HybridBenchError(f"{path} is not a training checkpoint: {error}", "Delete it to start again.") from error
