"""A projection: a map from image features to the vectors of a text encoder, in a safetensors file with its origin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid_bench import HybridBenchError

FILE = "projection.safetensors"
#: Bytes of a file that is read; projections have one or two million.
_LARGEST = 1 << 28


@dataclass(frozen=True)
class Projection:
    """A map ``inner @ weight + bias``, where ``inner`` is the features, or ``relu(features @ weight + bias)`` of a hidden layer.

    Attributes:
        weight: (features or hidden, dimension) float32.
        bias: (dimension,) float32.
        about: how it was made: base encoder, features, captions, languages, method, seed, ...
        hidden: weight and bias of the hidden layer: (features, hidden) and (hidden,) float32; None for none.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    about: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors, (images, dimension), of features that are not negative, (images, features)."""
        return unit(self.mapped(prepared(features)))

    def mapped(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(images, dimension) of features as :func:`prepared` gives them."""
        inner = features if self.hidden is None else np.maximum(features @ self.hidden[0] + self.hidden[1], 0)
        found: NDArray[np.float32] = inner @ self.weight + self.bias
        return found

    @property
    def shape(self) -> tuple[int, int]:
        """The number of features, and the dimension."""
        first = self.weight if self.hidden is None else self.hidden[0]
        return first.shape[0], self.weight.shape[1]

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return sum(array.size for array in (self.weight, self.bias, *(self.hidden or ())))

    def save(self, folder: Path) -> Path:
        """Write it into a folder, with weights in fp16; returns the file."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        layers = {"": (self.weight, self.bias)} | ({"hidden.": self.hidden} if self.hidden else {})
        tensors: dict[str, NDArray[Any]] = {}
        for name, (weight, bias) in layers.items():
            # safetensors writes the memory of an array as it lies, so that a transposed one would be scrambled.
            tensors |= {f"{name}weight": weight.astype(np.float16, order="C"), f"{name}bias": bias.astype(np.float32)}
        save_file(tensors, folder / FILE, metadata={"projection": json.dumps(dict(self.about), sort_keys=True)})
        return folder / FILE

    @classmethod
    def load(cls, folder: Path) -> Projection:
        """Read the projection of a folder.

        Raises:
            HybridBenchError: if the file is missing, damaged, or holds something else.
        """
        from safetensors import SafetensorError, safe_open

        path = folder / FILE
        try:
            if path.stat().st_size > _LARGEST:
                raise ValueError("it is too large")
            with safe_open(path, framework="numpy") as file:
                about = json.loads((file.metadata() or {})["projection"])
                arrays = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 - no mapping
            if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
                raise ValueError("its metadata are no texts")
            hidden = _layer(arrays, "hidden.") if "hidden.weight" in arrays else None
            weight, bias = _layer(arrays, "")
            if hidden and hidden[0].shape[1] != weight.shape[0]:
                raise ValueError(f"layers of {hidden[0].shape} and {weight.shape} do not fit")
        except (OSError, KeyError, TypeError, ValueError, RecursionError, SafetensorError) as error:
            raise HybridBenchError(
                f"{path} is not a projection: {type(error).__name__}: {str(error)[:200]}",
                "Make it again with `hybrid-bench train-projection`, or install its package again.",
            ) from error
        return cls(weight, bias, about, hidden)


def _layer(arrays: Mapping[str, NDArray[Any]], name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    weight, bias = arrays[f"{name}weight"], arrays[f"{name}bias"]
    if weight.ndim != 2 or bias.shape != weight.shape[1:] or {weight.dtype.kind, bias.dtype.kind} != {"f"}:
        raise ValueError(f"weight {weight.dtype}{weight.shape} and bias {bias.dtype}{bias.shape} are no affine map")
    weight, bias = weight.astype(np.float32), bias.astype(np.float32)
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise ValueError("it has NaN or infinity")
    return weight, bias


def file_hash(folder: Path) -> str:
    """The sha256 of the projection in a folder."""
    return hashlib.sha256((folder / FILE).read_bytes()).hexdigest()


def prepared(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The square root of features that are not negative, at unit length."""
    return unit(np.sqrt(np.maximum(features, 0, dtype=np.float32)))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors at length 1; of a vector of zeros, one whose numbers are equal."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    flat = np.float32(vectors.shape[1] ** -0.5)
    return np.where(lengths > 0, vectors / np.where(lengths > 0, lengths, 1), flat).astype(np.float32)
