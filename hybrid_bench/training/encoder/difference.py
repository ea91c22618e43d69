"""The trained difference: a small file that makes an encoder of its base."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import atomic

FILE = "difference.safetensors"
WEIGHTS = "model.safetensors"
_A, _B, _DELTA = ".a", ".b", ".delta"
#: One key alone: with several, the format leaves their order open, and the bytes with it.
_METADATA = "hybrid_bench"
#: What a base may have that is not true of what is trained of it, or says nothing of its vectors.
_NOT_COPIED = {"modules.json", "files.json", "training-data.json"}
#: Elements of a weight that are worked on together.
_PIECE = 1 << 18


class LowRank(NamedTuple):
    """What is added to a matrix (out, in): ``scale * b @ a``."""

    a: np.ndarray  #: (rank, in)
    b: np.ndarray  #: (out, rank)
    scale: float


def write(path: Path, low_rank: Mapping[str, LowRank], whole: Mapping[str, np.ndarray], base: str) -> None:
    """Write a difference; the same weights give the same bytes.

    Low-rank factors are rounded to fp16: what they add is a hundredth of a weight, and of that a two-thousandth.

    Args:
        path: the file.
        low_rank: name of a linear layer in the base to what is added to its weight.
        whole: name of a weight in the base to what is added to it, float32.
        base: the fingerprint of the base.
    """
    from safetensors.numpy import save

    tensors: dict[str, np.ndarray] = {}
    for name, factors in low_rank.items():
        tensors[f"{name}{_A}"] = np.ascontiguousarray(factors.a, dtype=np.float16)
        tensors[f"{name}{_B}"] = np.ascontiguousarray(factors.b, dtype=np.float16)
    for name, values in whole.items():
        tensors[f"{name}{_DELTA}"] = np.ascontiguousarray(values, dtype=np.float32)
    odd = [name for name, values in tensors.items() if not np.isfinite(values).all()]
    if odd:
        raise HybridBenchError(f"the trained weights of {odd[0]} are not finite", "Lower the learning rate.")
    facts = {"base": base, "scale": {name: factors.scale for name, factors in sorted(low_rank.items())}}
    atomic.write(path, save(dict(sorted(tensors.items())), metadata={_METADATA: json.dumps(facts, sort_keys=True)}))


def average(differences: Sequence[Path], target: Path, rank: int | None = None) -> float:
    """Write the mean of differences to one base.

    Low-rank factors stand side by side in it, so that nothing is rounded, unless they are more than ``rank``: then its best
    approximation of that rank takes their place (Eckart and Young, by singular values).

    Args:
        differences: files that :func:`write` wrote.
        target: the file.
        rank: of a low-rank difference at most.

    Returns:
        The share of its squared Frobenius norm that the layer keeps which loses most by the cut; 1 if nothing is cut.

    Raises:
        HybridBenchError: if one is no difference, or they are to different bases or of different layers.
    """
    read = [_read(path) for path in differences]
    for path, found in zip(differences, read, strict=True):
        if (found.base, found.tensors.keys()) != (read[0].base, read[0].tensors.keys()):
            raise HybridBenchError(f"{path} and {differences[0]} change different weights or bases", "Average like with like.")
    if any(found.scales != read[0].scales for found in read):
        raise HybridBenchError("the differences have different scales", "Average trainings of one recipe.")
    low_rank, kept = {}, 1.0
    for layer, scale in read[0].scales.items():
        a = np.concatenate([found.tensors[f"{layer}{_A}"] for found in read])
        b = np.concatenate([found.tensors[f"{layer}{_B}"] for found in read], axis=1)
        if rank is not None and len(a) > rank:
            a, b, share = _cut(a, b, rank)
            kept = min(kept, share)
        low_rank[layer] = LowRank(a, b, scale / len(read))
    names = [name for name in read[0].tensors if name.endswith(_DELTA)]
    whole = {name.removesuffix(_DELTA): np.mean([found.tensors[name] for found in read], axis=0) for name in names}
    write(target, low_rank, whole, read[0].base)
    return kept


def _cut(a: np.ndarray, b: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Factors of the best approximation of ``b @ a`` of a rank, equally long, and the share of the squared norm in it."""
    left, upper = np.linalg.qr(b.astype(np.float64))
    right, lower = np.linalg.qr(a.astype(np.float64).T)
    u, values, v = np.linalg.svd(upper @ lower.T)
    root = np.sqrt(values[:rank])
    squares = values**2
    share = squares[:rank].sum() / squares.sum() if squares.any() else 1.0
    return (root[:, None] * v[:rank]) @ right.T, (left @ u[:, :rank]) * root, float(share)


class _Read(NamedTuple):
    """A difference as it is in its file."""

    base: str
    scales: dict[str, float]
    tensors: dict[str, np.ndarray]


def _read(path: Path) -> _Read:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {})[_METADATA])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no dict
            found = _Read(str(facts["base"]), dict(facts["scale"]), tensors)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise HybridBenchError(f"{path} is not a trained difference: {error}", "Copy or train it again.") from error
    for factor in (_A, _B):
        if {name.removesuffix(factor) for name in tensors if name.endswith(factor)} != found.scales.keys():
            raise HybridBenchError(
                f"{path} is not a trained difference: not every layer has its factors and scale", "Copy or train it again."
            )
    return found


def merge(base: Path, difference: Path, folder: Path) -> list[str]:
    """Put a base's checkpoint with the difference added into an existing folder; the bytes are the same on every machine.

    Args:
        base: folder of the base, with float32 weights in ``model.safetensors``.
        difference: file that :func:`write` wrote.
        folder: gets the weights, the configuration and the tokenizer.

    Returns:
        The names of the files that were written.

    Raises:
        HybridBenchError: if the difference is none, or does not fit this base.
    """
    found = _read(difference)
    with atomic.writing(folder / WEIGHTS) as temporary:
        shutil.copyfile(base / WEIGHTS, temporary)
        weights = _Weights(temporary, difference)
        for name, values in found.tensors.items():
            if name.endswith(_DELTA):
                weight = weights[name.removesuffix(_DELTA)]
                if weight.shape != values.shape:
                    raise HybridBenchError(f"a difference of shape {values.shape} does not fit a weight of shape {weight.shape}")
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
    """The fingerprint of the base that a difference is to: a commit of the hub, or a hash of a folder.

    Raises:
        HybridBenchError: if it is no difference.
    """
    return _read(path).base


def check_base(folder: Path) -> None:
    """See whether a difference could be added to a checkpoint.

    Raises:
        HybridBenchError: if its weights are not in one safetensors file, in float32.
    """
    remedy = f"Save it with float32 weights in one {WEIGHTS} and name that folder as the base."
    if not (folder / WEIGHTS).is_file():
        raise HybridBenchError(f"the base in {folder} has no {WEIGHTS}", remedy)
    other = {stated["dtype"] for stated in _header(folder / WEIGHTS)[1].values()} - {"F32", "I64", "I32"}
    if other:
        raise HybridBenchError(f"the base in {folder} has weights in {', '.join(sorted(other))}", remedy)


def check_names(folder: Path, names: Iterable[str]) -> None:
    """See whether a base's checkpoint has what is to be trained under the names that its transformer has for it.

    Raises:
        HybridBenchError: if not: libraries rename what old checkpoints have other names for.
    """
    known = _header(folder / WEIGHTS)[1]
    for name in names:
        if stored_name(known, name) is None:
            raise HybridBenchError(
                f"the weights of the base in {folder} have an old name for {name}",
                "Save it anew with transformers' save_pretrained and name that folder as the base.",
            )


def stored_name(known: Iterable[str], name: str) -> str | None:
    """What a checkpoint calls a weight: it may put the transformer's name (``bert.``) before it. None: it does not have it."""
    found = [other for other in known if other == name or other.endswith(f".{name}")]
    return found[0] if len(found) == 1 else None


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """Where the data of a safetensors file begin, and what it states of each tensor."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header: dict[str, Any] = json.loads(file.read(size))
    return 8 + size, {name: stated for name, stated in header.items() if name != "__metadata__"}


def _add(weight: np.ndarray, a: np.ndarray, b: np.ndarray, scale: float) -> None:
    """Add ``scale * b @ a``, rank by rank in float64: a matrix product's order of summing would depend on the machine."""
    if weight.shape != (b.shape[0], a.shape[1]) or a.shape[0] != b.shape[1]:
        raise HybridBenchError(f"a difference of shape {(b.shape[0], a.shape[1])} does not fit a weight of shape {weight.shape}")
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    rows = max(1, _PIECE // weight.shape[1])
    for start in range(0, len(weight), rows):
        piece = slice(start, start + rows)
        total = np.zeros((len(weight[piece]), weight.shape[1]))
        for rank in range(a.shape[0]):
            total += wide_b[piece, rank, None] * wide_a[rank]
        weight[piece] = (weight[piece] + scale * total).astype(np.float32)


class _Weights:
    """The float32 weights of a safetensors file, to be changed in place."""

    def __init__(self, path: Path, difference: Path) -> None:
        self._path = path
        self._difference = difference
        self._start, self._stated = _header(path)

    def __getitem__(self, name: str) -> np.memmap[Any, np.dtype[np.float32]]:
        """A weight."""
        stored = stored_name(self._stated, name)
        if stored is None:
            raise HybridBenchError(
                f"{self._difference} changes {name}, which its base does not have", "Use the base that it was trained on."
            )
        stated = self._stated[stored]
        if stated["dtype"] != "F32":
            raise HybridBenchError(f"{name} of the base is {stated['dtype']}", "Give a base whose weights are float32.")
        offset = self._start + stated["data_offsets"][0]
        return np.memmap(self._path, dtype="<f4", mode="r+", offset=offset, shape=tuple(stated["shape"]))
