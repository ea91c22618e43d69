"""Encode a collection that does not fit into memory: read as a stream, written shard by shard, resumable."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hybrid_bench.datasets.images import Input, modality_of
from hybrid_bench.embeddings import shards
from hybrid_bench.embeddings.locking import Part, explain_write_errors, locked
from hybrid_bench.embeddings.stored_collection import Collection, CollectionKey, Manifest, ShardEntry, shard_path
from hybrid_bench.encoders.checked import encode_checked
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import atomic
from hybrid_bench.support.hashing import TextsDigest, texts_hash
from hybrid_bench.support.progress import Progress

if TYPE_CHECKING:
    import numpy as np

#: Id and content of a passage, such as a :class:`hybrid_bench.Text`.
Item = tuple[str, Input]

#: Gives the vectors of a shard's passages.
EncodeShard = Callable[[Sequence[Item]], "np.ndarray"]


class Workers(Protocol):
    """The part of :class:`hybrid_bench.Executor` that encoding needs."""

    def map_stateful(self, make: Callable[[], EncodeShard], items: Iterable[Sequence[Item]]) -> Iterator[np.ndarray]:
        """Yield the vectors of each shard, in order."""


class ShardSource(Protocol):
    """How worker processes obtain the vectors of shards."""

    @property
    def device(self) -> str:
        """The compute device that a worker needs."""

    def __call__(self) -> EncodeShard:
        """Load what is needed, in a worker."""


@dataclass
class EncoderSource:
    """How worker processes obtain the encoder: they load it by name; an encoder without a name is pickled.

    Attributes:
        encoder: the encoder of this process, if it is loaded.
        name: argument of :func:`hybrid_bench.load_encoder`; empty if the encoder was passed as an object.
        options: keyword arguments of :func:`hybrid_bench.load_encoder`.
        known: the expected fingerprint, dtype and device; None if the encoder is not loaded yet.
    """

    encoder: Encoder | None
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    known: tuple[str, str, str] | None = None

    def __post_init__(self) -> None:
        if self.encoder and not self.known:
            self.known = _identity(self.encoder)

    @property
    def device(self) -> str:
        """The compute device that a worker needs."""
        return self.known[2] if self.known else "cpu"

    def __call__(self) -> EncodeShard:
        """Load the encoder in a worker. Raises HybridBenchError if it differs from the encoder of the main process."""
        encoder = self.encoder or load_encoder(self.name, **self.options)
        for what, actual, expected in zip(
            ("other weights", "another dtype", "another device"), _identity(encoder), self.known or (), strict=False
        ):
            if actual != expected:
                raise HybridBenchError(
                    f"a worker has {what} of {self.name or encoder.card.name} than the main process: {actual}, not {expected}",
                    "Use the same weights on all machines, and set --dtype and --device if the machines differ.",
                )
        return lambda items: encode_checked(encoder, [content for _, content in items], "passage")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "encoder": None if self.name else self.encoder, "options": dict(self.options)}


def _identity(encoder: Encoder) -> tuple[str, str, str]:
    return encoder.fingerprint, encoder.dtype, encoder.device


def encode_collection(
    source: ShardSource,
    key: CollectionKey,
    items: Iterable[Item],
    folder: Path,
    *,
    workers: Workers,
    progress: Progress,
    part: Part | None = None,
) -> Collection | None:
    """Encode the shards that are missing, then write the manifest.

    Each shard is encoded independently, so its bytes do not depend on earlier runs. Existing shards are compared with the
    content and verified; those that differ are encoded again.

    Args:
        source: the encoder, or vectors.
        key: everything that the vectors depend on.
        items: ids and contents of the passages, all texts or all images; read once, in order.
        folder: for this collection and key only.
        workers: the executor.
        progress: receives the number of inputs that are done, and a message for each shard that is encoded again.
        part: encode only these shards, and write no manifest.

    Returns:
        The collection; None if only a part was encoded.

    Raises:
        HybridBenchError: if an input cannot be read or has another modality than the key, the encoder returns invalid
            vectors, or the disk is full. Shards that were already written are kept.
    """
    part = part or Part()

    def report_wait(folder: Path) -> None:
        progress.say(f"waiting for another process that is writing to {folder}")

    with explain_write_errors(folder), locked(folder, report_wait, part):
        job = _Job(key, folder, part, progress)
        for vectors in workers.map_stateful(source, job.missing(items)):
            job.write(vectors)
        if part.of > 1:
            return None
        return job.finish()


class _Job:
    """State of one pass over a collection: finished shards and pending ones."""

    def __init__(self, key: CollectionKey, folder: Path, part: Part, progress: Progress) -> None:
        self._key = key
        self._folder = folder
        self._part = part
        self._progress = progress
        self._entries: dict[int, ShardEntry] = {}
        self._dimensions: set[int] = set()
        self._pending: collections.deque[tuple[int, str, list[str]]] = collections.deque()
        self._digest = TextsDigest()

    def missing(self, items: Iterable[Item]) -> Iterator[Sequence[Item]]:
        """Yield the passages of each shard that must be encoded."""
        for number, chunk in enumerate(_chunks(items, self._key.shard_texts)):
            if self._part.of == 1:  # a part writes no manifest
                self._digest.update(itertools.chain.from_iterable(chunk))
            if not self._part.has(number):
                self._progress.advance(len(chunk))
                continue
            self._check_modality(chunk)
            key = self._key.of_shard(texts_hash(itertools.chain.from_iterable(chunk)), len(chunk))
            path = shard_path(self._folder, number)
            try:
                found = self._read(path, key, [item_id for item_id, _ in chunk])
            except shards.CorruptShardError as corrupt:
                if path.exists():
                    self._progress.say(f"{path} {corrupt}; encoding it again")
                self._pending.append((number, key, [item_id for item_id, _ in chunk]))
                yield chunk
            else:
                self._add(number, key, found.tensors, found.sha256)

    def _read(self, path: Path, key: str, ids: list[str]) -> shards.Shard:
        """Read a shard of these passages; a checksum is of bytes, so that shapes and dtypes are compared as well."""
        import numpy as np

        found = shards.read(path, ("vectors", "ids"), key=key)
        of_dtype = found.vectors.dtype == (np.float16 if self._key.storage == "fp16" else np.float32)
        if not of_dtype or found.vectors.ndim != 2 or len(found.vectors) != len(ids):
            raise shards.CorruptShardError("is corrupt: its vectors have another shape or dtype")
        if not np.array_equal(found.tensors["ids"], shards.pack_ids(ids)):
            raise shards.CorruptShardError("is corrupt: it has other ids")
        return found

    def _check_modality(self, chunk: Sequence[Item]) -> None:
        found, expected = modality_of(content for _, content in chunk), self._key.encoder.modality
        if found != expected:
            raise HybridBenchError(
                f"the collection contains {found}s, but its vectors are stored as those of {expected}s",
                "A collection has one modality: correct the suite's.",
            )

    def write(self, vectors: np.ndarray) -> None:
        """Write the vectors of the first pending shard."""
        import numpy as np

        number, key, ids = self._pending.popleft()
        with np.errstate(over="ignore"):  # reported below
            stored = vectors.astype(np.float16 if self._key.storage == "fp16" else np.float32, copy=False)
        if not np.isfinite(stored).all():
            raise HybridBenchError("the encoder's vectors contain numbers too large for fp16", "Use --storage fp32.")
        tensors = {"vectors": stored, "ids": shards.pack_ids(ids)}
        checksum = shards.write(shard_path(self._folder, number), key, tensors)
        self._add(number, key, tensors, checksum)

    def _add(self, number: int, key: str, tensors: dict[str, np.ndarray], checksum: str) -> None:
        count, dimension = tensors["vectors"].shape
        self._entries[number] = ShardEntry(count=count, key=key, sha256=checksum, quick=shards.quick_checksum(tensors))
        self._dimensions.add(dimension)
        self._progress.advance(count)

    def finish(self) -> Collection:
        """Write the manifest and remove surplus shards."""
        if not self._entries:
            raise HybridBenchError(f"the collection for {self._folder} has no passages", "Check that its files are complete.")
        if len(self._dimensions) > 1:
            raise HybridBenchError(f"the encoder returned vectors of different dimensions: {sorted(self._dimensions)}")
        manifest = Manifest(
            key=self._key.fields(),
            count=sum(entry.count for entry in self._entries.values()),
            dimension=self._dimensions.pop(),
            texts=self._digest.hexdigest(),
            shards=tuple(self._entries[number] for number in range(len(self._entries))),
        ).sealed()
        content = manifest.to_json().encode()
        path = self._folder / Collection.FILE
        if not path.is_file() or path.read_bytes() != content:
            atomic.write(path, content)
        number = len(self._entries)  # left over if the collection had more passages before
        while (beyond := shard_path(self._folder, number)).exists():
            beyond.unlink()
            number += 1
        return Collection(self._folder)


def _chunks(items: Iterable[Item], size: int) -> Iterator[Sequence[Item]]:
    stream = iter(items)
    while chunk := list(itertools.islice(stream, size)):
        yield chunk
