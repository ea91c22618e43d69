"""The trained difference: a small file that, added to the base, gives the trained encoder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hybrid_bench.encoders.weight_files import read_header
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import atomic

FILE = "difference.safetensors"
WEIGHTS = "model.safetensors"
_A, _B, _DELTA = ".a", ".b", ".delta"
#: A single metadata key: safetensors does not fix the order of several, and so not the bytes.
_METADATA = "hybrid_bench"
#: Files of a base that do not apply to the trained encoder, or do not affect its vectors.
_NOT_COPIED = {"modules.json", "files.json", "training-data.json"}
#: Elements of a weight per block of work.
_BLOCK = 1 << 18


class LowRank(NamedTuple):
    """A low-rank update of a matrix (out, in): ``scale * b @ a``."""

    a: np.ndarray  #: (rank, in)
    b: np.ndarray  #: (out, rank)
    scale: float


def write(path: Path, low_rank: Mapping[str, LowRank], full: Mapping[str, np.ndarray], base: str) -> None:
    """Write a difference. The same weights give the same bytes.

    Low-rank factors are rounded to fp16: an update is about 1/100 of a weight, and the rounding 1/2000 of the update.

    Args:
        path: the file.
        low_rank: name of a linear layer in the base to the update of its weight.
        full: name of a weight in the base to its full difference, float32.
        base: the fingerprint of the base.

    Raises:
        HybridBenchError: if a weight is not finite.
    """
    from safetensors.numpy import save

    tensors: dict[str, np.ndarray] = {}
    for name, factors in low_rank.items():
        tensors[f"{name}{_A}"] = np.ascontiguousarray(factors.a, dtype=np.float16)
        tensors[f"{name}{_B}"] = np.ascontiguousarray(factors.b, dtype=np.float16)
    for name, values in full.items():
        tensors[f"{name}{_DELTA}"] = np.ascontiguousarray(values, dtype=np.float32)
    bad = [name for name, values in tensors.items() if not np.isfinite(values).all()]
    if bad:
        raise HybridBenchError(f"the trained weights of {bad[0]} are not finite", "Lower the learning rate.")
    facts = {"base": base, "scale": {name: factors.scale for name, factors in sorted(low_rank.items())}}
    atomic.write(path, save(dict(sorted(tensors.items())), metadata={_METADATA: json.dumps(facts, sort_keys=True)}))


def average(differences: Sequence[Path], target: Path, rank: int | None = None) -> float:
    """Write the mean of several differences to the same base.

    Low-rank factors are concatenated, which is exact. If the result has a higher rank than ``rank``, it is replaced by its
    best approximation of that rank (truncated SVD, Eckart-Young theorem).

    Args:
        differences: files written by :func:`write`.
        target: the output file.
        rank: the maximum rank of a layer's update; None: no maximum.

    Returns:
        The smallest share of its squared Frobenius norm that a layer keeps; 1 if no rank is reduced.

    Raises:
        HybridBenchError: if a file is invalid, or the differences have different bases, layers or scales.
    """
    read = [_read(path) for path in differences]
    for path, found in zip(differences, read, strict=True):
        if (found.base, found.tensors.keys()) != (read[0].base, read[0].tensors.keys()):
            raise HybridBenchError(
                f"{path} and {differences[0]} change different weights or bases", "Average trainings of the same recipe."
            )
    if any(found.scales != read[0].scales for found in read):
        raise HybridBenchError("the differences have different scales", "Average trainings of the same recipe.")
    low_rank, kept = {}, 1.0
    for layer, scale in read[0].scales.items():
        a = np.concatenate([found.tensors[f"{layer}{_A}"] for found in read])
        b = np.concatenate([found.tensors[f"{layer}{_B}"] for found in read], axis=1)
        if rank is not None and len(a) > rank:
            a, b, share = _reduce_rank(a, b, rank)
            kept = min(kept, share)
        low_rank[layer] = LowRank(a, b, scale / len(read))
    names = [name for name in read[0].tensors if name.endswith(_DELTA)]
    full = {name.removesuffix(_DELTA): np.mean([found.tensors[name] for found in read], axis=0) for name in names}
    write(target, low_rank, full, read[0].base)
    return kept


def _reduce_rank(a: np.ndarray, b: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Factors of equal norm of the best approximation of ``b @ a`` of a rank, and its share of the squared norm."""
    left, upper = np.linalg.qr(b.astype(np.float64))
    right, lower = np.linalg.qr(a.astype(np.float64).T)
    u, values, v = np.linalg.svd(upper @ lower.T)
    root = np.sqrt(values[:rank])
    squares = values**2
    share = squares[:rank].sum() / squares.sum() if squares.any() else 1.0
    return (root[:, None] * v[:rank]) @ right.T, (left @ u[:, :rank]) * root, float(share)


class _Difference(NamedTuple):
    """The content of a difference file."""

    base: str
    scales: dict[str, float]
    tensors: dict[str, np.ndarray]


def _read(path: Path) -> _Difference:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {})[_METADATA])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
            found = _Difference(str(facts["base"]), dict(facts["scale"]), tensors)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise HybridBenchError(f"{path} is not a trained difference: {error}", "Copy the file again, or train again.") from error
    for factor in (_A, _B):
        if {name.removesuffix(factor) for name in tensors if name.endswith(factor)} != found.scales.keys():
            raise HybridBenchError(
                f"{path} is not a trained difference: not every layer has its factors and scale",
                "Copy the file again, or train again.",
            )
    return found


def merge(base: Path, difference: Path, folder: Path) -> list[str]:
    """Write a base's checkpoint plus a difference into an existing folder. The bytes are the same on every machine.

    Args:
        base: the folder of the base, with float32 weights in ``model.safetensors``.
        difference: a file written by :func:`write`.
        folder: the output folder, for the weights, the configuration and the tokenizer.

    Returns:
        The names of the written files.

    Raises:
        HybridBenchError: if the difference is invalid, or does not fit this base.
    """
    found = _read(difference)
    with atomic.writing(folder / WEIGHTS) as temporary:
        shutil.copyfile(base / WEIGHTS, temporary)
        weights = _Weights(temporary, difference)
        for name, values in found.tensors.items():
            if name.endswith(_DELTA):
                weight = weights[name.removesuffix(_DELTA)]
                if weight.shape != values.shape:
                    raise _shape_error(values.shape, weight.shape)
                weight += values.astype(np.float32)
            elif name.endswith(_B):
                layer = name.removesuffix(_B)
                _add(weights[f"{layer}.weight"], found.tensors[f"{layer}{_A}"], values, found.scales[layer])
    names = sorted(path.name for path in base.iterdir() if path.suffix in {".json", ".model", ".txt"})
    copied = [name for name in names if name not in _NOT_COPIED]
    for name in copied:
        shutil.copyfile(base / name, folder / name)
    return [WEIGHTS, *copied]


def base_of(path: Path) -> str:
    """The fingerprint of the base of a difference: a commit of the Hugging Face Hub, or the hash of a folder.

    Raises:
        HybridBenchError: if the file is not a difference.
    """
    return _read(path).base


def check_base(folder: Path) -> None:
    """Check that a difference can be added to a checkpoint.

    Raises:
        HybridBenchError: if its weights are not in a single safetensors file, in float32.
    """
    remedy = f"Save it with float32 weights in a single {WEIGHTS} and use that folder as the base."
    if not (folder / WEIGHTS).is_file():
        raise HybridBenchError(f"the base in {folder} has no {WEIGHTS}", remedy)
    other = {tensor.dtype for tensor in read_header(folder / WEIGHTS).tensors.values()} - {"F32", "I64", "I32"}
    if other:
        raise HybridBenchError(f"the base in {folder} has weights in {', '.join(sorted(other))}", remedy)


def check_names(folder: Path, names: Iterable[str]) -> None:
    """Check that a base's checkpoint has the trained weights under the names that its transformer uses.

    Raises:
        HybridBenchError: if a weight is missing; transformers renames some weights of old checkpoints when loading.
    """
    known = read_header(folder / WEIGHTS).tensors
    for name in names:
        if stored_name(known, name) is None:
            raise HybridBenchError(
                f"the checkpoint of the base in {folder} uses an old name for {name}",
                "Save it again with save_pretrained of transformers and use that folder as the base.",
            )


def stored_name(known: Iterable[str], name: str) -> str | None:
    """The name of a weight in a checkpoint, possibly with a prefix such as ``bert.``; None if the checkpoint lacks it."""
    found = [other for other in known if other == name or other.endswith(f".{name}")]
    return found[0] if len(found) == 1 else None


def _shape_error(difference: tuple[int, ...], weight: tuple[int, ...]) -> HybridBenchError:
    return HybridBenchError(
        f"a difference of shape {difference} does not fit a weight of shape {weight}", "Use the base that it was trained on."
    )


def _add(weight: np.ndarray, a: np.ndarray, b: np.ndarray, scale: float) -> None:
    """Add ``scale * b @ a``, rank by rank in float64: the summation order of a matrix product depends on the machine."""
    if weight.shape != (b.shape[0], a.shape[1]) or a.shape[0] != b.shape[1]:
        raise _shape_error((b.shape[0], a.shape[1]), weight.shape)
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    rows = max(1, _BLOCK // weight.shape[1])
    for start in range(0, len(weight), rows):
        block = slice(start, start + rows)
        total = np.zeros((len(weight[block]), weight.shape[1]))
        for rank in range(a.shape[0]):
            total += wide_b[block, rank, None] * wide_a[rank]
        weight[block] = (weight[block] + scale * total).astype(np.float32)


class _Weights:
    """The float32 weights of a safetensors file, as writable memory maps."""

    def __init__(self, path: Path, difference: Path) -> None:
        self._path = path
        self._difference = difference
        self._header = read_header(path)

    def __getitem__(self, name: str) -> np.memmap[Any, np.dtype[np.float32]]:
        """The memory map of a weight."""
        stored = stored_name(self._header.tensors, name)
        if stored is None:
            raise HybridBenchError(
                f"{self._difference} changes {name}, which the base does not have", "Use the base that it was trained on."
            )
        tensor = self._header.tensors[stored]
        if tensor.dtype != "F32":
            raise HybridBenchError(f"{name} of the base is {tensor.dtype}", "Use a base with float32 weights.")
        return np.memmap(self._path, dtype="<f4", mode="r+", offset=self._header.size + tensor.begin, shape=tensor.shape)
