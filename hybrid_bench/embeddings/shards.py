"""Shards: files of vectors, optionally with passage ids, protected by a checksum."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.support import atomic

if TYPE_CHECKING:
    import numpy as np


#: safetensors' names of dtypes to numpy's.
_DTYPES = {"F16": "<f2", "F32": "<f4", "I64": "<i8", "U8": "|u1"}


@dataclass(frozen=True)
class Shard:
    """The contents of a shard file.

    Attributes:
        key: digest of everything that the contents depend on.
        sha256: of the contents.
        tensors: ``vectors`` (texts, dimension) float32 or float16; ``ids`` (texts, bytes) uint8, see :func:`pack_ids`.
        header: key, sha256 and the additional fields.
    """

    key: str
    sha256: str
    tensors: dict[str, np.ndarray]
    header: dict[str, str]

    @property
    def vectors(self) -> np.ndarray:
        """(texts, dimension)."""
        return self.tensors["vectors"]


class CorruptShardError(ValueError):
    """A shard that is missing, corrupt, or of another key; the message completes a sentence about the file."""


def write(path: Path, key: str, tensors: dict[str, np.ndarray], **more: str) -> str:
    """Write a shard atomically.

    Args:
        path: the file.
        key: digest of everything that the contents depend on.
        tensors: arrays by name; equal arrays give equal bytes.
        more: additional fields of the header.

    Returns:
        sha256 of the contents.
    """
    import safetensors.numpy

    checksum = _checksum(tensors, more)
    header = {"key": key, "sha256": checksum, **more}
    atomic.write(path, _with_sorted_header(safetensors.numpy.save(tensors, metadata=header)))
    return checksum


def read(
    path: Path,
    names: tuple[str, ...] = ("vectors",),
    *,
    key: str | None = None,
    quick: str | None = None,
    mapped: bool = False,
) -> Shard:
    """Read a shard and verify it.

    Args:
        path: the file.
        names: the arrays to read; the checksum must match these.
        key: the expected key; None: any.
        quick: the expected :func:`quick_checksum`, verified instead of the sha256.
        mapped: return read-only arrays that are mapped from the file.

    Raises:
        CorruptShardError: if it is missing, corrupt, or of another key.
    """
    import safetensors

    with _explained(), safetensors.safe_open(path, framework="numpy") as file:
        header = file.metadata() or {}
        tensors = _mapped(path, names) if mapped else {name: file.get_tensor(name) for name in names}
    if key is not None and header.get("key") != key:
        raise CorruptShardError("holds vectors of another encoder or of other inputs")
    more = {name: value for name, value in header.items() if name not in ("key", "sha256")}
    if (quick_checksum(tensors) != quick) if quick else (header.get("sha256") != _checksum(tensors, more)):
        raise CorruptShardError("is corrupt: its checksum does not match")
    return Shard(header.get("key", ""), header.get("sha256", ""), tensors, header)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn errors of reading into CorruptShardError."""
    import safetensors

    try:
        yield
    except FileNotFoundError:
        raise CorruptShardError("is missing") from None
    except (safetensors.SafetensorError, OSError, TypeError, KeyError, ValueError) as error:  # e.g. an unknown dtype
        raise CorruptShardError("is corrupt or truncated") from error


def _mapped(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Map arrays of a file whose header safetensors has validated (offsets within the file, sizes that match the shapes)."""
    import numpy as np

    content = np.memmap(path, np.uint8, "r").view(np.ndarray)
    size = int.from_bytes(content[:8].tobytes(), "little")
    header = json.loads(content[8 : 8 + size].tobytes())
    tensors = {}
    for name in names:
        start, stop = header[name]["data_offsets"]
        numbers = content[8 + size + start : 8 + size + stop].view(_DTYPES[header[name]["dtype"]])
        tensors[name] = numbers.reshape(header[name]["shape"])
    return tensors


def pack_ids(ids: list[str]) -> np.ndarray:
    """Encode ids as an array for a shard: (ids, bytes of the longest) uint8, UTF-8 padded with zeros."""
    import numpy as np

    packed = np.array([text_id.encode("utf-8", "surrogatepass") for text_id in ids], dtype=np.bytes_)
    return packed.view(np.uint8).reshape(len(ids), -1)


def unpack_ids(packed: np.ndarray) -> np.ndarray:
    """Decode :func:`pack_ids`: (ids,) bytes, which sort in trec_eval's order."""
    import numpy as np

    return np.ascontiguousarray(packed).view(f"S{packed.shape[1]}").reshape(-1)


def read_ids(path: Path) -> np.ndarray:
    """Read only the ids of a shard that was verified before.

    Raises:
        CorruptShardError: if it is no longer there, or no longer a shard.
    """
    import safetensors

    with _explained(), safetensors.safe_open(path, framework="numpy") as file:
        return unpack_ids(file.get_tensor("ids"))


def quick_checksum(tensors: dict[str, np.ndarray]) -> str:
    """xxh3 of the tensors: detects corruption ten times as fast as sha256, but is not cryptographic."""
    import numpy as np
    import xxhash

    digest = xxhash.xxh3_128()
    for tensor in tensors.values():
        digest.update(np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _checksum(tensors: dict[str, np.ndarray], more: dict[str, str]) -> str:
    import numpy as np

    digest = hashlib.sha256()
    for tensor in tensors.values():
        digest.update(np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data)
    for name in sorted(more):
        digest.update(f"{name}={more[name]}\n".encode())
    return digest.hexdigest()


def _with_sorted_header(content: bytes) -> bytes:
    """Sort the header, which safetensors writes in arbitrary order, so that equal contents give equal bytes."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]
