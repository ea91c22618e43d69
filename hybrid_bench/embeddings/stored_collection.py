"""A collection of vectors on disk: its key, its manifest, and its shards, which are verified when read."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid_bench.datasets.images import Modality
from hybrid_bench.embeddings import shards
from hybrid_bench.embeddings.key import DEFAULTS, StoreKey
from hybrid_bench.embeddings.locking import is_writable
from hybrid_bench.encoders.protocol import Identified
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import cache

if TYPE_CHECKING:
    import numpy as np

Storage = Literal["fp16", "fp32"]

#: Inputs per shard: the work lost by an interruption, the number of inputs sorted by length together, and the width of a
#: block of scores.
SHARD_TEXTS = 2048

#: Number format on disk to numpy's name of the dtype.
_DTYPES = {"fp16": "float16", "fp32": "float32"}
#: What a manifest's key states at least, as text.
_NEEDED = {"encoder", "dtype", "storage", "passage_text"}
_AGAIN = "Run `hybrid-bench encode` (or evaluate) again: valid shards are kept, the others are encoded again."


@dataclass(frozen=True)
class CollectionKey:
    """Everything that the vectors of a collection depend on, except its content, which is part of each shard's key.

    Attributes:
        encoder: key of the encoder and the modality, without content.
        storage: dtype on disk.
        shard_texts: inputs per shard.
    """

    encoder: StoreKey
    storage: Storage
    shard_texts: int

    @classmethod
    def of(
        cls,
        encoder: Identified,
        passage_text: str,
        storage: Storage,
        shard_texts: int = SHARD_TEXTS,
        modality: Modality = "text",
    ) -> CollectionKey:
        """The key of a collection of a modality under an encoder."""
        return cls(StoreKey.of(encoder, "passage", passage_text, "", 0, modality), storage, shard_texts)

    def of_shard(self, texts: str, count: int) -> str:
        """The digest of a shard's key, given the hash of its ids and contents."""
        key = dataclasses.replace(self.encoder, texts=texts, count=count)
        return hashlib.sha256(f"{self.storage}\n{key.as_json()}".encode()).hexdigest()

    def fields(self) -> dict[str, Any]:
        """All fields except the content's hash and number."""
        encoder = {name: value for name, value in self.encoder.fields().items() if name not in ("texts", "count")}
        return {**encoder, "storage": self.storage, "shard_texts": self.shard_texts}

    @property
    def digest(self) -> str:
        """sha256 of the fields."""
        return hashlib.sha256(json.dumps(self.fields(), sort_keys=True).encode()).hexdigest()


class ShardEntry(BaseModel):
    """A shard in the manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(ge=1)
    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    #: :func:`hybrid_bench.embeddings.shards.quick_checksum`
    quick: str = Field(pattern=r"^[0-9a-f]{32}$")


class Manifest(BaseModel):
    """The list of a collection's shards. It is written last: a collection without it is incomplete."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    key: dict[str, str | int | None]
    count: int = Field(ge=1)
    dimension: int = Field(ge=1)
    #: sha256 of all ids and contents in order, see :func:`hybrid_bench.support.hashing.texts_hash`
    texts: str = Field(pattern=r"^[0-9a-f]{64}$")
    #: the files ``0000000.safetensors``, ``0000001.safetensors``, ...
    shards: tuple[ShardEntry, ...]
    #: :attr:`checksum`; None in collections of earlier versions
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")

    @property
    def checksum(self) -> str:
        """sha256 of the other fields."""
        return hashlib.sha256(self.model_copy(update={"sha256": None}).to_json().encode()).hexdigest()

    def sealed(self) -> Manifest:
        """The manifest with its checksum."""
        return self.model_copy(update={"sha256": self.checksum})

    def to_json(self) -> str:
        """The text of the file, one line per shard; equal manifests give equal bytes."""
        fields = self.model_dump(mode="json", exclude=None if self.sha256 else {"sha256"})
        rows = ",\n".join("  " + json.dumps(row) for row in fields.pop("shards"))
        head = json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False)[:-2]
        return f'{head},\n "shards": [\n{rows}\n ]\n}}\n'


def shard_path(folder: Path, number: int) -> Path:
    """The path of a shard."""
    return folder / f"{number:07d}.safetensors"


class Collection:
    """A complete collection of vectors.

    Args:
        folder: with the manifest and the shards.

    Raises:
        HybridBenchError: if the manifest is missing or corrupt.
    """

    FILE = "manifest.json"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / self.FILE
        try:
            content = path.read_bytes()
        except OSError as error:
            raise HybridBenchError(f"{folder} holds no complete collection: {self.FILE} is missing", _AGAIN) from error
        try:
            self.manifest = Manifest.model_validate_json(content)
        except ValidationError as error:
            raise HybridBenchError(f"{path} is corrupt: {error.errors()[0]['msg']}", _AGAIN) from error
        self.digest = hashlib.sha256(content).hexdigest()
        per_shard = self.manifest.key.get("shard_texts")
        counts = [entry.count for entry in self.manifest.shards]
        if not isinstance(per_shard, int) or sum(counts) != self.manifest.count or {*counts[:-1]} - {per_shard}:
            raise HybridBenchError(f"{path} is corrupt: its counts do not add up", _AGAIN)
        if counts[-1] > per_shard or self.manifest.sha256 not in (None, self.manifest.checksum):
            raise HybridBenchError(f"{path} is corrupt: its checksum does not match", _AGAIN)
        if missing := _NEEDED - {name for name, value in self.manifest.key.items() if isinstance(value, str)}:
            raise HybridBenchError(f"{path} is corrupt: it does not state {', '.join(sorted(missing))}", _AGAIN)
        self.shard_texts = per_shard
        self._verified: set[int] = set()

    def __len__(self) -> int:
        return self.manifest.count

    def derived(self, kind: str, file: str) -> Path:
        """The path of a file that is computed from the vectors: beside them, or in the cache if nothing can be written there.

        Args:
            kind: of such files, e.g. ``searches``; names their folder.
            file: the name of the file.
        """
        beside = self.folder / kind / file
        if beside.is_file() or is_writable(self.folder):
            return beside
        return cache.home() / kind / self.digest[:24] / file

    def check_key(self, key: CollectionKey) -> None:
        """Raise HybridBenchError if the collection has another key; the error lists what differs. Ignores the device."""
        expected = DEFAULTS | key.fields()
        found = DEFAULTS | self.manifest.key
        differing = [name for name in expected if found.get(name) != expected[name] and name != "device"]
        if differing:
            what = ", ".join(f"{name} {found.get(name)!r}, not {expected[name]!r}" for name in differing)
            raise HybridBenchError(
                f"the vectors in {self.folder} are of another encoder: {what}", "Encode again, or use another folder."
            )

    def read(self, number: int) -> shards.Shard:
        """Read a shard and verify it against the manifest.

        Raises:
            HybridBenchError: if it is missing, corrupt, or of another encoder.
        """
        entry = self.manifest.shards[number]
        path = shard_path(self.folder, number)
        try:
            shard = shards.read(path, ("vectors", "ids"), key=entry.key, quick=entry.quick, mapped=True)
        except shards.CorruptShardError as corrupt:
            raise HybridBenchError(f"the shard {path} of the manifest {corrupt}", _AGAIN) from corrupt
        # Checksums are of bytes, so that shapes and dtypes have to be compared as well.
        stored = _DTYPES.get(str(self.manifest.key["storage"])), (entry.count, self.manifest.dimension)
        ids = shard.tensors["ids"]
        if (
            shard.sha256 != entry.sha256
            or (shard.vectors.dtype.name, shard.vectors.shape) != stored
            or (ids.dtype.name, ids.ndim, len(ids)) != ("uint8", 2, entry.count)
        ):
            raise HybridBenchError(f"the shard {path} does not match the manifest", _AGAIN)
        self._verified.add(number)
        return shard

    def verify(self, count: int) -> None:
        """Verify the first ``count`` shards, but for those that were already read.

        Raises:
            HybridBenchError: see :meth:`read`.
        """
        for number in range(count):
            if number not in self._verified:
                self.read(number)

    def ids_of(self, numbers: np.ndarray) -> np.ndarray:
        """Look up ids by the passages' positions in the collection: (numbers,) to (numbers,) bytes.

        Raises:
            HybridBenchError: if a shard is missing or corrupt; each is verified when it is needed for the first time.
        """
        import numpy as np

        order = np.argsort(numbers, kind="stable")
        shard_of = numbers[order] // self.shard_texts
        ids = np.empty(len(numbers), dtype=object)
        start = 0
        while start < len(order):
            stop = int(np.searchsorted(shard_of, shard_of[start], side="right"))
            here = order[start:stop]
            ids[here] = self._ids(int(shard_of[start]))[numbers[here] % self.shard_texts]
            start = stop
        return ids

    @functools.cached_property
    def _ids(self) -> Any:
        # Keep the ids of a few shards: a search resolves ties shard by shard.
        return functools.lru_cache(maxsize=64)(self._read_ids)

    def _read_ids(self, number: int) -> np.ndarray:
        if number not in self._verified:
            return shards.unpack_ids(self.read(number).tensors["ids"])
        path = shard_path(self.folder, number)
        try:
            return shards.read_ids(path)
        except shards.CorruptShardError as corrupt:
            raise HybridBenchError(f"the shard {path} of the manifest {corrupt}", _AGAIN) from corrupt
