"""Checkpoints: one file with all that an interrupted training needs to resume exactly."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.atomic import writing

if TYPE_CHECKING:
    import torch

#: Files in the working folder of a training.
CHECKPOINT, LOG = "checkpoint.safetensors", "training.jsonl"
#: The name of a training among the steps of a job whose progress is reported.
TRAINING = "training"

_METADATA, _CHECKSUM = "hybrid_bench", "sha256"
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
    text = json.dumps(metadata)
    with writing(path) as temporary, _explained(path):
        save_file(tensors, temporary, metadata={_METADATA: text, _CHECKSUM: _checksum(text, tensors)})


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        remedy = "Free disk space, and run again: the previous checkpoint is kept."
        raise HybridBenchError(f"cannot write {path}: {error}", remedy) from error


def load_state(path: Path, recipe: str) -> TrainingState:
    """The training state of a checkpoint.

    Args:
        path: the checkpoint.
        recipe: the expected hash of recipe, data and base.

    Raises:
        HybridBenchError: if the file is corrupt, or belongs to another recipe, other data or another base.
    """
    found, _, _ = _read(path)
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

    _, metadata, tensors = _read(path)
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


def _read(path: Path) -> tuple[TrainingState, dict[str, Any], dict[str, torch.Tensor]]:
    """The training state, the metadata and the tensors, verified by their checksum."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
        metadata: dict[str, Any] = json.loads(header[_METADATA])
        state = TrainingState(**metadata[_STATE])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise HybridBenchError(f"{path} is not a training checkpoint: {error}", "Delete it to start again.") from error
    if _CHECKSUM not in header:
        raise HybridBenchError(
            f"{path} has no checksum: it is of an earlier version, or damaged",
            "Finish the training with the version that began it, or delete the checkpoint to start again.",
        )
    if header[_CHECKSUM] != _checksum(header[_METADATA], tensors):
        raise HybridBenchError(f"{path} is damaged: its checksum does not match", "Delete it to start again.")
    return state, metadata, tensors


def _checksum(metadata: str, tensors: dict[str, torch.Tensor]) -> str:
    """sha256 of everything that a checkpoint holds: metadata, and name, type, shape and bytes of each tensor."""
    import torch

    digest = hashlib.sha256(metadata.encode())
    for name, values in sorted(tensors.items()):
        digest.update(f"\n{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
