"""A folder of vectors: encoded once, written in shards, resumed after a kill, checked whenever read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.embeddings import shards
from hybrid_bench.embeddings.key import StoreKey
from hybrid_bench.embeddings.locking import full_disk_explained, locked
from hybrid_bench.encoders.checked import encode_checked
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import atomic
from hybrid_bench.support.hashing import texts_hash

if TYPE_CHECKING:
    import numpy as np

#: Texts in a shard: what a kill can cost, and what is sorted by length together.
SHARD_TEXTS = 512

#: Called with the number of texts that have just been encoded (or found in the store).
Progress = Callable[[int], None]


class EmbeddingStore:
    """Vectors by :class:`StoreKey`, each key a folder of shards.

    A shard is encoded on its own, so that it has the same bytes whatever was or was not there before. It is written under
    a temporary name, synced and renamed; its header holds the key's digest and a checksum of its vectors. A shard that
    fails either check is encoded again.

    Args:
        folder: where the keys' folders are.
        shard_texts: texts a shard.
    """

    def __init__(self, folder: Path, shard_texts: int = SHARD_TEXTS) -> None:
        self.folder = folder
        self.shard_texts = shard_texts

    def vectors(
        self,
        encoder: Encoder,
        role: Role,
        texts: Sequence[str],
        *,
        passage_text: str = "",
        progress: Progress | None = None,
        waiting: Callable[[Path], None] | None = None,
    ) -> np.ndarray:
        """The vectors of some texts, encoding those that the store does not hold.

        Args:
            encoder: who encodes.
            role: whether the texts are queries or passages.
            texts: bare texts.
            passage_text: what was taken of a passage; part of the key.
            progress: told how many texts are done, shard by shard.
            waiting: told of the folder if another process is writing it; this one then waits.

        Returns:
            (texts, dimension) float32.

        Raises:
            HybridBenchError: if the encoder misbehaves or the disk is full. What was stored before stays.
        """
        import numpy as np

        key = StoreKey.of(encoder, role, passage_text, texts_hash(texts), len(texts))
        folder = self.folder / key.digest[:24]
        parts = []
        with full_disk_explained(folder), locked(folder, waiting):
            atomic.write(folder / "key.json", key.as_json().encode())
            for start in range(0, len(texts), self.shard_texts):
                part = texts[start : start + self.shard_texts]
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
        return np.concatenate(parts) if parts else np.empty((0, encoder.card.dimension or 0), np.float32)

    def holds(self, encoder: Encoder, role: Role, texts: Sequence[str], *, passage_text: str = "") -> bool:
        """Whether every vector is there already and sound."""
        key = StoreKey.of(encoder, role, passage_text, texts_hash(texts), len(texts))
        folder = self.folder / key.digest[:24]
        return all(
            _read_shard(
                folder / f"{start:09d}.safetensors", key.digest, min(self.shard_texts, len(texts) - start)
            ) is not None
            for start in range(0, len(texts), self.shard_texts)
        )  # fmt: skip


def _read_shard(path: Path, key_digest: str, count: int) -> np.ndarray | None:
    """The vectors of a shard; None if it is missing, damaged, or of another key."""
    try:
        vectors = shards.read(path, key=key_digest).vectors
    except shards.UnsoundShardError:
        return None
    sound = vectors.ndim == 2 and len(vectors) == count and vectors.dtype.name == "float32"
    return vectors if sound else None
