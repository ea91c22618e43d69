"""A folder of vectors: encoded once, written in shards, resumed after a kill, checked whenever read."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from hybrid_bench import whole_file
from hybrid_bench.embeddings.key import StoreKey, texts_hash
from hybrid_bench.encoders.checked import encode_checked
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np

#: Texts in a shard: what a kill can cost, and what is sorted by length together.
SHARD_TEXTS = 512

_CANNOT_WRITE = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST,
}  # fmt: skip

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
        shards = []
        with _full_disk_explained(folder), _locked(folder, waiting):
            whole_file.write(folder / "key.json", key.as_json().encode())
            for start in range(0, len(texts), self.shard_texts):
                part = texts[start : start + self.shard_texts]
                path = folder / f"{start:09d}.safetensors"
                vectors = _read_shard(path, key.digest, len(part))
                if vectors is None:
                    vectors = encode_checked(encoder, part, role)
                    _write_shard(path, key.digest, vectors)
                shards.append(vectors)
                if progress:
                    progress(len(part))
        dimensions = {shard.shape[1] for shard in shards}
        if len(dimensions) > 1:
            raise HybridBenchError(f"{encoder.card.name} returned {role} vectors of different dimensions: {sorted(dimensions)}")
        return np.concatenate(shards) if shards else np.empty((0, encoder.card.dimension or 0), np.float32)

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


def _write_shard(path: Path, key_digest: str, vectors: np.ndarray) -> None:
    import safetensors.numpy

    header = {"key": key_digest, "sha256": hashlib.sha256(vectors.tobytes()).hexdigest()}
    whole_file.write(path, _with_sorted_header(safetensors.numpy.save({"vectors": vectors}, metadata=header)))


def _with_sorted_header(content: bytes) -> bytes:
    """The same file with its metadata in order: safetensors writes it in any, and the same vectors are to have the same bytes."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def _read_shard(path: Path, key_digest: str, count: int) -> np.ndarray | None:
    """The vectors of a shard; None if it is missing, damaged, or of another key."""
    import safetensors

    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            vectors: np.ndarray = file.get_tensor("vectors")
    except (safetensors.SafetensorError, OSError, TypeError):  # TypeError: a number format that numpy does not have
        return None
    sound = (
        header.get("key") == key_digest
        and vectors.ndim == 2
        and len(vectors) == count
        and vectors.dtype.name == "float32"
        and header.get("sha256") == hashlib.sha256(vectors.tobytes()).hexdigest()
    )
    return vectors if sound else None


@contextlib.contextmanager
def _locked(folder: Path, waiting: Callable[[Path], None] | None) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0.2)
    except filelock.Timeout:
        if waiting:
            waiting(folder)
        lock.acquire()
    try:
        for leftover in folder.glob(".*.tmp"):  # of a process that was killed: nobody else writes while we hold the lock
            leftover.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _full_disk_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        raise HybridBenchError(
            f"cannot write vectors to {folder}: {error.strerror}",
            "What was written stays. Make room, or choose another folder with --store or HYBRID_BENCH_HOME, and run again.",
        ) from error
