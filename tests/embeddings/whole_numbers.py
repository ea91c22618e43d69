"""A cheap collection and encoder for tests: texts are numbers, vectors are rows of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hybrid_bench.embeddings.encode_stream import EncoderSource, Workers, encode_collection
from hybrid_bench.embeddings.locking import Part
from hybrid_bench.embeddings.stored_collection import Collection, CollectionKey, Storage
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.plugin import Item, Role, SilentProgress
from tests.tiny_encoder import TinyEncoder


class Table(TinyEncoder):
    """The vector of the text ``17`` is row 17.

    Args:
        rows: (texts, dimension) float32.
        fingerprint: of this table.
    """

    def __init__(self, rows: np.ndarray, fingerprint: str = "table") -> None:
        super().__init__(dimension=rows.shape[1])
        self.card = self.card.model_copy(update={"name": "table", "similarity": "dot"})
        self.fingerprint = fingerprint
        self.rows = rows
        self.shards = 0

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        self.shards += 1
        return self.rows[[int(text) for text in texts]]


class Told(SilentProgress):
    """Records messages and the number of finished texts."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        self.done = 0

    def advance(self, done: int) -> None:
        self.done += done

    def say(self, message: str) -> None:
        self.remarks.append(message)


def doc_ids(count: int) -> list[str]:
    """Ids of different lengths whose order is not that of the passages."""
    return [f"{(7919 * number) % 99991}-é" for number in range(count)]


def texts(count: int) -> Iterator[Item]:
    return (Item(doc_id, str(number)) for number, doc_id in enumerate(doc_ids(count)))


def encode(
    folder: Path,
    encoder: Table,
    *,
    count: int | None = None,
    storage: Storage = "fp32",
    shard: int = 64,
    workers: Workers | None = None,
    part: Part | None = None,
    told: Told | None = None,
) -> Collection | None:
    """Encode the rows of a table, or the first ``count``."""
    return encode_collection(
        EncoderSource(encoder),
        CollectionKey.of(encoder, "sentence", storage, shard),
        texts(len(encoder.rows) if count is None else count),
        folder,
        workers=workers or LocalExecutor(),
        progress=told or Told(),
        part=part,
    )


def encoded(folder: Path, encoder: Table, **how: object) -> Collection:
    """The complete collection."""
    collection = encode(folder, encoder, **how)  # type: ignore[arg-type]
    assert collection is not None
    return collection


def unit_rows(count: int, dimension: int, seed: int = 0, *, bits: int = 11) -> np.ndarray:
    """Rows of length 1, rounded to multiples of 2**-bits.

    Products of rows of a and b bits are sums of multiples of 2**-(a + b), below 1 by Cauchy-Schwarz: float32 holds them
    exactly if a + b <= 23, in whatever order a processor sums.
    """
    rows = np.random.default_rng(seed).standard_normal((count, dimension))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return (np.round(rows * 2**bits) / 2**bits).astype(np.float32)


def tied_rows(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    """Eighths between -2/8 and 2/8: products are exact, and most passages tie."""
    return (np.random.default_rng(seed).integers(-2, 3, (count, dimension)) / 8).astype(np.float32)
