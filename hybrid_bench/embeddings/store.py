"""The store of vectors: encoded once, written in shards, resumable, verified when read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.datasets.images import Input, modality_of
from hybrid_bench.embeddings import shards
from hybrid_bench.embeddings.key import StoreKey
from hybrid_bench.embeddings.locking import OnWait, explain_write_errors, locked
from hybrid_bench.encoders.checked import encode_checked
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import atomic
from hybrid_bench.support.hashing import texts_hash

if TYPE_CHECKING:
    import numpy as np

#: Inputs per shard: the work lost by an interruption, and the number of inputs that are sorted by length together.
SHARD_TEXTS = 512

#: Called with the number of inputs that have just been encoded or found in the store.
Progress = Callable[[int], None]


class EmbeddingStore:
    """A folder of vectors with one subfolder of shards per :class:`StoreKey`.

    Each shard is encoded independently, so its bytes do not depend on which other shards exist. Shards are written
    atomically; the header holds the digest of the key and a checksum. A shard that fails verification is encoded again.

    Args:
        folder: parent of the subfolders.
        shard_texts: inputs per shard.
    """

    def __init__(self, folder: Path, shard_texts: int = SHARD_TEXTS) -> None:
        self.folder = folder
        self.shard_texts = shard_texts

    def vectors(
        self,
        encoder: Encoder,
        role: Role,
        inputs: Sequence[Input],
        *,
        passage_text: str = "",
        progress: Progress | None = None,
        on_wait: OnWait | None = None,
    ) -> np.ndarray:
        """Return the vectors of some inputs; encode those that are not in the store.

        Args:
            encoder: the encoder.
            role: whether the inputs are queries or passages.
            inputs: texts without prefixes, or images.
            passage_text: how passage texts were made, e.g. ``sentence+context``; part of the key.
            progress: called after each shard with its number of inputs.
            on_wait: called with the folder before waiting for another process that is writing to it.

        Returns:
            (inputs, dimension) float32; a text that occurs again has the vector of its first occurrence.

        Raises:
            HybridBenchError: if the encoder returns invalid vectors, an image cannot be read, or the disk is full. Shards
                that were already stored are kept.
        """
        import numpy as np

        key = _key(encoder, role, inputs, passage_text)
        folder = self.folder / key.digest[:24]
        parts = []
        with explain_write_errors(folder), locked(folder, on_wait):
            about, content = folder / "key.json", key.as_json().encode()
            if not about.is_file() or about.read_bytes() != content:
                atomic.write(about, content)
            for start in range(0, len(inputs), self.shard_texts):
                part = inputs[start : start + self.shard_texts]
                path = folder / f"{start:09d}.safetensors"
                vectors = _read_shard(path, key.digest, len(part))
                if vectors is None:
                    vectors = encode_checked(encoder, part, role)
                    shards.write(path, key.digest, {"vectors": vectors})
                parts.append(vectors)
                if progress:
                    progress(len(part))
        dimensions = {part.shape[1] for part in parts}
        if len(dimensions) > 1:
            raise HybridBenchError(f"{encoder.card.name} returned {role} vectors of different dimensions: {sorted(dimensions)}")
        if not parts:
            return np.empty((0, encoder.card.dimension or 0), np.float32)
        vectors = np.concatenate(parts)
        repeated, first = _repeated_texts(inputs)
        vectors[repeated] = vectors[first]
        return vectors

    def holds(self, encoder: Encoder, role: Role, inputs: Sequence[Input], *, passage_text: str = "") -> bool:
        """Whether every vector is stored and passes verification."""
        key = _key(encoder, role, inputs, passage_text)
        folder = self.folder / key.digest[:24]
        return all(
            _read_shard(
                folder / f"{start:09d}.safetensors", key.digest, min(self.shard_texts, len(inputs) - start)
            ) is not None
            for start in range(0, len(inputs), self.shard_texts)
        )  # fmt: skip


def _key(encoder: Encoder, role: Role, inputs: Sequence[Input], passage_text: str) -> StoreKey:
    return StoreKey.of(encoder, role, passage_text, texts_hash(inputs), len(inputs), modality_of(inputs))


def _repeated_texts(inputs: Sequence[Input]) -> tuple[list[int], list[int]]:
    """The positions of texts that occurred before, and the positions where they first did.

    Equal texts get equal vectors, so that passages with the same text are tied. Encoded in different batches, their vectors
    differ in the last bits, and rounding would order them.
    """
    seen: dict[str, int] = {}
    repeated, first = [], []
    for position, text in enumerate(inputs):
        if isinstance(text, str) and (found := seen.setdefault(text, position)) != position:
            repeated.append(position)
            first.append(found)
    return repeated, first


def _read_shard(path: Path, key_digest: str, count: int) -> np.ndarray | None:
    """The vectors of a shard; None if it is missing, corrupt, or of another key."""
    try:
        vectors = shards.read(path, key=key_digest).vectors
    except shards.CorruptShardError:
        return None
    valid = vectors.ndim == 2 and len(vectors) == count and vectors.dtype.name == "float32"
    return vectors if valid else None
