"""A shard: vectors, and where they have them the ids of their passages, in one checksummed file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.support import atomic

if TYPE_CHECKING:
    import numpy as np


#: Number formats of shards, as safetensors names them.
_DTYPES = {"F16": "<f2", "F32": "<f4", "I64": "<i8", "U8": "|u1"}


@dataclass(frozen=True)
class Shard:
    """What a file holds.

    Attributes:
        key: digest of what the contents depend on.
        sha256: of the contents.
        tensors: ``vectors`` (texts, dimension) float32 or float16; ``ids`` (texts, bytes) uint8, see :func:`pack_ids`.
        header: these two and whatever else was written.
    """

    key: str
    sha256: str
    tensors: dict[str, np.ndarray]
    header: dict[str, str]

    @property
    def vectors(self) -> np.ndarray:
        """(texts, dimension)."""
        return self.tensors["vectors"]


class UnsoundShardError(ValueError):
    """A file that is missing, damaged, or not what was asked for; the message is the end of a sentence about the file."""


def write(path: Path, key: str, tensors: dict[str, np.ndarray], **more: str) -> str:
    """Write a shard, whole or not at all.

    Args:
        path: the file.
        key: digest of what the contents depend on.
        tensors: by name; the same ones give the same bytes.
        more: further lines of the header.

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
    """Read a shard and check it.

    Args:
        path: the file.
        names: the arrays that it has to hold, and no others.
        key: what its key has to be.
        quick: what :func:`quick_checksum` has to be, by which contents are checked in the place of their sha256.
        mapped: arrays that cannot be written, whose memory is the system's copy of the file.

    Raises:
        UnsoundShardError: if it is missing, damaged, of another key, or its checksum does not fit.
    """
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            tensors = _mapped(path, names) if mapped else {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise UnsoundShardError("is missing") from None
    except (safetensors.SafetensorError, OSError, TypeError, KeyError, ValueError) as error:  # such as of an unknown format
        raise UnsoundShardError("is damaged or truncated") from error
    if key is not None and header.get("key") != key:
        raise UnsoundShardError("holds vectors of another encoder or of other texts")
    more = {name: value for name, value in header.items() if name not in ("key", "sha256")}
    if (quick_checksum(tensors) != quick) if quick else (header.get("sha256") != _checksum(tensors, more)):
        raise UnsoundShardError("is damaged: its checksum does not fit")
    return Shard(header.get("key", ""), header.get("sha256", ""), tensors, header)


def _mapped(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Arrays of a file that safetensors has looked through: that their places are inside it, and fit their shapes."""
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
    """(ids, bytes of the longest) uint8, UTF-8 padded with zeros, to be kept in a shard."""
    import numpy as np

    packed = np.array([text_id.encode("utf-8", "surrogatepass") for text_id in ids], dtype=np.bytes_)
    return packed.view(np.uint8).reshape(len(ids), -1)


def unpack_ids(packed: np.ndarray) -> np.ndarray:
    """(ids,) as bytes, which sort as trec_eval sorts them."""
    import numpy as np

    return np.ascontiguousarray(packed).view(f"S{packed.shape[1]}").reshape(-1)


def read_ids(path: Path) -> np.ndarray:
    """The ids of a shard that was checked before, without its vectors."""
    import safetensors

    with safetensors.safe_open(path, framework="numpy") as file:
        return unpack_ids(file.get_tensor("ids"))


def quick_checksum(tensors: dict[str, np.ndarray]) -> str:
    """Finds damage ten times as fast as sha256, which a search through millions of vectors would wait for; no seal."""
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
    """The same file with its metadata in order: safetensors writes it in any, and the same vectors are to have the same bytes."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]
