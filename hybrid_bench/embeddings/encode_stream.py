"""Encoding a collection that does not fit into memory: read as a stream, written shard by shard, resumed after a kill."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hybrid_bench.datasets.suite import Text
from hybrid_bench.embeddings import shards
from hybrid_bench.embeddings.locking import Part, full_disk_explained, locked
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

#: Texts of a shard to their vectors.
EncodeTexts = Callable[[list[str]], "np.ndarray"]


class Workers(Protocol):
    """The part of an executor that encodes; see :class:`hybrid_bench.Executor`."""

    def map_stateful(self, make: Callable[[], EncodeTexts], items: Iterable[list[str]]) -> Iterator[np.ndarray]:
        """The vectors of shards of texts, in their order."""


@dataclass
class EncoderSource:
    """An encoder that other processes can have too: they load it by its name; one that has none is pickled.

    Attributes:
        encoder: as this process has it.
        name: of :func:`hybrid_bench.load_encoder`; empty for an encoder that was handed over as an object.
        options: the same.
        known: the fingerprint, number format and device of the encoder; nothing is known of one that is loaded only later.
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
        """Where a worker has to compute."""
        return self.known[2] if self.known else "cpu"

    def __call__(self) -> EncodeTexts:
        """What a worker calls once; raises HybridBenchError if it finds another encoder than the process that asks."""
        encoder = self.encoder or load_encoder(self.name, **self.options)
        for what, here, there in zip(
            ("other weights", "another dtype", "another device"), _identity(encoder), self.known or (), strict=False
        ):
            if here != there:
                raise HybridBenchError(
                    f"a worker has {what} of {self.name or encoder.card.name} than this process: {here}, not {there}",
                    "Give all the same weights, and say --dtype and --device where machines differ.",
                )
        return lambda texts: encode_checked(encoder, texts, "passage")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "encoder": None if self.name else self.encoder, "options": dict(self.options)}


def _identity(encoder: Encoder) -> tuple[str, str, str]:
    return encoder.fingerprint, encoder.dtype, encoder.device


def encode_collection(
    source: EncoderSource,
    key: CollectionKey,
    texts: Iterable[Text],
    folder: Path,
    *,
    workers: Workers,
    progress: Progress,
    part: Part | None = None,
) -> Collection | None:
    """Encode the shards that are not there, and write the manifest when all are.

    A shard is encoded from its own texts alone, so that its bytes depend on nothing that happened before; what is there is
    compared with the texts and checked, and encoded again where it differs.

    Args:
        source: who encodes.
        key: what the vectors depend on.
        texts: read once, in order.
        folder: of this collection and key alone.
        workers: who works.
        progress: told of each text, encoded or found; and of shards that had to be made again.
        part: encode these shards alone, and write no manifest.

    Returns:
        The collection; None where only a part was asked for.

    Raises:
        HybridBenchError: if a text or the encoder misbehaves, or the disk is full. What was written stays.
    """
    part = part or Part()
    with full_disk_explained(folder), locked(folder, lambda _: progress.say(f"another process writes {folder}; waiting"), part):
        job = _Job(key, folder, part, progress)
        for vectors in workers.map_stateful(source, job.missing(texts)):
            job.keep(vectors)
        if part.of > 1:
            return None
        return job.seal()


class _Job:
    """The shards of one pass over a collection: what was found, what is being encoded."""

    def __init__(self, key: CollectionKey, folder: Path, part: Part, progress: Progress) -> None:
        self._key = key
        self._folder = folder
        self._part = part
        self._progress = progress
        self._entries: dict[int, ShardEntry] = {}
        self._dimensions: set[int] = set()
        self._pending: collections.deque[tuple[int, str, list[str]]] = collections.deque()
        self._digest = TextsDigest()

    def missing(self, texts: Iterable[Text]) -> Iterator[list[str]]:
        """The texts of each shard that has to be encoded."""
        for number, chunk in enumerate(_chunks(texts, self._key.shard_texts)):
            self._digest.update(itertools.chain.from_iterable(chunk))
            if not self._part.has(number):
                self._progress.advance(len(chunk))
                continue
            key = self._key.of_shard(texts_hash(itertools.chain.from_iterable(chunk)), len(chunk))
            path = shard_path(self._folder, number)
            try:
                found = shards.read(path, ("vectors", "ids"), key=key)
            except shards.UnsoundShardError as unsound:
                if path.exists():
                    self._progress.say(f"{path} {unsound}; encoding it again")
                self._pending.append((number, key, [text_id for text_id, _ in chunk]))
                yield [text for _, text in chunk]
            else:
                self._note(number, key, found.tensors, found.sha256)

    def keep(self, vectors: np.ndarray) -> None:
        """Write the vectors of the first shard that is waited for."""
        import numpy as np

        number, key, ids = self._pending.popleft()
        with np.errstate(over="ignore"):  # said below
            stored = vectors.astype(np.float16 if self._key.storage == "fp16" else np.float32, copy=False)
        if not np.isfinite(stored).all():
            raise HybridBenchError("the encoder's vectors have numbers too large for fp16", "Use --storage fp32.")
        tensors = {"vectors": stored, "ids": shards.pack_ids(ids)}
        checksum = shards.write(shard_path(self._folder, number), key, tensors)
        self._note(number, key, tensors, checksum)

    def _note(self, number: int, key: str, tensors: dict[str, np.ndarray], checksum: str) -> None:
        count, dimension = tensors["vectors"].shape
        self._entries[number] = ShardEntry(count=count, key=key, sha256=checksum, quick=shards.quick_checksum(tensors))
        self._dimensions.add(dimension)
        self._progress.advance(count)

    def seal(self) -> Collection:
        if not self._entries:
            raise HybridBenchError(f"there are no passages to encode into {self._folder}", "Check that the collection is whole.")
        if len(self._dimensions) > 1:
            raise HybridBenchError(f"the encoder returned vectors of different dimensions: {sorted(self._dimensions)}")
        manifest = Manifest(
            key=self._key.fields(),
            count=sum(entry.count for entry in self._entries.values()),
            dimension=self._dimensions.pop(),
            texts=self._digest.hexdigest(),
            shards=tuple(self._entries[number] for number in range(len(self._entries))),
        )
        content = manifest.to_json().encode()
        path = self._folder / Collection.FILE
        if not path.is_file() or path.read_bytes() != content:
            atomic.write(path, content)
        number = len(self._entries)  # a collection that has shrunk leaves shards behind
        while (beyond := shard_path(self._folder, number)).exists():
            beyond.unlink()
            number += 1
        return Collection(self._folder)


def _chunks(texts: Iterable[Text], size: int) -> Iterator[Sequence[Text]]:
    stream = iter(texts)
    while chunk := list(itertools.islice(stream, size)):
        yield chunk
