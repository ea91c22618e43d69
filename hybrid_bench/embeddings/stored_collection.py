"""A collection whose vectors are on disk: what its manifest says, and its shards, checked whenever they are read."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid_bench.embeddings import shards
from hybrid_bench.embeddings.key import StoreKey
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np

Storage = Literal["fp16", "fp32"]

#: Texts in a shard: what a kill can cost, what is sorted by length together, and the columns of a block of scores.
SHARD_TEXTS = 2048

_AGAIN = "Run `hybrid-bench encode` (or evaluate) again: sound shards are kept, the others are encoded again."


@dataclass(frozen=True)
class CollectionKey:
    """Everything that the vectors of a collection depend on, but for its texts, which each shard states.

    Attributes:
        encoder: the key of a text under the encoder, without texts.
        storage: the number format on disk.
        shard_texts: texts a shard.
    """

    encoder: StoreKey
    storage: Storage
    shard_texts: int

    @classmethod
    def of(cls, encoder: Encoder, passage_text: str, storage: Storage, shard_texts: int = SHARD_TEXTS) -> CollectionKey:
        """The key under an encoder."""
        return cls(StoreKey.of(encoder, "passage", passage_text, "", 0), storage, shard_texts)

    def of_shard(self, texts: str, count: int) -> str:
        """The digest of a shard's key, by the hash of its ids and texts."""
        key = dataclasses.replace(self.encoder, texts=texts, count=count)
        return hashlib.sha256(f"{self.storage}\n{key.as_json()}".encode()).hexdigest()

    def fields(self) -> dict[str, Any]:
        """All fields but the texts, readable."""
        encoder = {name: value for name, value in dataclasses.asdict(self.encoder).items() if name not in ("texts", "count")}
        return {**encoder, "storage": self.storage, "shard_texts": self.shard_texts}

    @property
    def digest(self) -> str:
        """sha256 of the fields."""
        return hashlib.sha256(json.dumps(self.fields(), sort_keys=True).encode()).hexdigest()


class ShardEntry(BaseModel):
    """What the manifest says of a shard."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(ge=1)
    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    #: see :func:`hybrid_bench.embeddings.shards.quick_checksum`
    quick: str = Field(pattern=r"^[0-9a-f]{32}$")


class Manifest(BaseModel):
    """What a whole collection consists of. Written last: a collection without one is not whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    key: dict[str, str | int | None]
    count: int = Field(ge=1)
    dimension: int = Field(ge=1)
    #: sha256 of all ids and texts in order, see :func:`hybrid_bench.support.hashing.texts_hash`
    texts: str = Field(pattern=r"^[0-9a-f]{64}$")
    #: of the files ``0000000.safetensors``, ``0000001.safetensors``, ...
    shards: tuple[ShardEntry, ...]

    def to_json(self) -> str:
        """The file's text, a shard a line; always the same bytes."""
        fields = self.model_dump(mode="json")
        rows = ",\n".join("  " + json.dumps(row) for row in fields.pop("shards"))
        head = json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False)[:-2]
        return f'{head},\n "shards": [\n{rows}\n ]\n}}\n'


def shard_path(folder: Path, number: int) -> Path:
    """The file of a shard."""
    return folder / f"{number:07d}.safetensors"


class Collection:
    """A whole collection.

    Args:
        folder: of the manifest and the shards.

    Raises:
        HybridBenchError: if there is no manifest, or it is damaged.
    """

    FILE = "manifest.json"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / self.FILE
        try:
            content = path.read_bytes()
        except OSError as error:
            raise HybridBenchError(f"{folder} holds no whole collection: it has no {self.FILE}", _AGAIN) from error
        try:
            self.manifest = Manifest.model_validate_json(content)
        except ValidationError as error:
            raise HybridBenchError(f"{path} is damaged: {error.errors()[0]['msg']}", _AGAIN) from error
        self.digest = hashlib.sha256(content).hexdigest()
        per_shard = self.manifest.key.get("shard_texts")
        counts = [entry.count for entry in self.manifest.shards]
        if not isinstance(per_shard, int) or sum(counts) != self.manifest.count or {*counts[:-1]} - {per_shard}:
            raise HybridBenchError(f"{path} is damaged: its counts do not add up", _AGAIN)
        self.shard_texts = per_shard

    def __len__(self) -> int:
        return self.manifest.count

    def check_key(self, key: CollectionKey) -> None:
        """Raise HybridBenchError that names every field, but the device, in which the collection is not what is asked for."""
        asked = key.fields()
        theirs = self.manifest.key
        differing = [name for name in asked if theirs.get(name) != asked[name] and name != "device"]
        if differing:
            what = ", ".join(f"{name} {theirs.get(name)!r}, not {asked[name]!r}" for name in differing)
            raise HybridBenchError(f"the vectors in {self.folder} are of another encoder: {what}", "Encode again, or elsewhere.")

    def read(self, number: int) -> shards.Shard:
        """A shard, checked against the manifest.

        Raises:
            HybridBenchError: if it is missing, damaged, or of another encoder.
        """
        entry = self.manifest.shards[number]
        path = shard_path(self.folder, number)
        try:
            shard = shards.read(path, ("vectors", "ids"), key=entry.key, quick=entry.quick, mapped=True)
        except shards.UnsoundShardError as unsound:
            raise HybridBenchError(f"the shard {path}, which the manifest names, {unsound}", _AGAIN) from unsound
        if shard.sha256 != entry.sha256 or shard.vectors.shape != (entry.count, self.manifest.dimension):
            raise HybridBenchError(f"the shard {path} is not the one that the manifest names", _AGAIN)
        return shard

    def ids_of(self, numbers: np.ndarray) -> np.ndarray:
        """The ids, as bytes, of passages by their running number; the shards were checked before."""
        import numpy as np

        order = np.argsort(numbers, kind="stable")
        shard_of = numbers[order] // self.shard_texts
        found = np.empty(len(numbers), dtype=object)
        start = 0
        while start < len(order):
            stop = int(np.searchsorted(shard_of, shard_of[start], side="right"))
            here = order[start:stop]
            found[here] = self._ids(int(shard_of[start]))[numbers[here] % self.shard_texts]
            start = stop
        return found

    @functools.cached_property
    def _ids(self) -> Any:
        # A few shards' ids at a time: ties are looked up shard by shard while a search goes on.
        return functools.lru_cache(maxsize=64)(lambda number: shards.read_ids(shard_path(self.folder, number)))
