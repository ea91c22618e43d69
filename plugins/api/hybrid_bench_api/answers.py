"""The answers of an API on disk, text by text: an answer that was paid for is never asked for again."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hybrid_bench import HybridBenchError

#: Bytes of a checksum, and texts that are looked up at a time.
_CHECKSUM, _AT_ONCE = 8, 500
#: Seconds to wait for another process that writes.
_PATIENCE = 120


class Answers:
    """A SQLite file of the vectors of one model with one set of parameters.

    An answer is on disk when :meth:`add` returns, whatever happens to the process then. Vectors have checksums: one that is
    corrupt is asked for again.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, vector BLOB, checksum BLOB)")

    def find(self, keys: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """Key to (dimension,) float32, of those that are there."""
        found = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            with self._lock, self._explained():
                rows = self._file.execute(f"SELECT * FROM answers WHERE key IN ({marks})", part).fetchall()  # noqa: S608
            found.update({key: np.frombuffer(vector, "<f4") for key, vector, checksum in rows if _sum(key, vector) == checksum})
        return found

    def add(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Keep the vectors of some keys.

        Args:
            keys: of the texts.
            vectors: (keys, dimension) float32.

        Raises:
            HybridBenchError: if earlier answers have another dimension; the new ones are not kept then.
        """
        packed = [row.tobytes() for row in vectors.astype("<f4")]
        rows = [(key, vector, _sum(key, vector)) for key, vector in zip(keys, packed, strict=True)]
        with self._lock, self._explained(), self._file:
            self._file.execute("BEGIN IMMEDIATE")
            self._check_dimension(self._dimension(), vectors.shape[1])
            self._file.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)

    def dimension(self) -> int:
        """Of the vectors that are there; 0 if there is none."""
        with self._lock, self._explained():
            return self._dimension()

    def _dimension(self) -> int:
        rows = self._file.execute("SELECT * FROM answers")
        return next((len(vector) // 4 for key, vector, checksum in rows if _sum(key, vector) == checksum), 0)

    def _check_dimension(self, before: int, now: int) -> None:
        if before not in (0, now):
            raise HybridBenchError(
                f"the server answered with vectors of dimension {now}, and earlier with dimension {before} ({self._path})",
                "It serves another model now: give the new one a --revision. Or delete that file to ask for all vectors again.",
            )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, TypeError, ValueError) as error:
            full = "full" in str(error)
            raise HybridBenchError(
                f"the answers of the API in {self._path} cannot be read or written: {error}",
                "Free disk space and run again." if full else "If it is corrupt, move it away: its answers are asked for again.",
            ) from error


def key_of(text: str, role: str) -> bytes:
    """The key of a text, prefix included, in a role."""
    return hashlib.sha256(f"{role}\0{text}".encode("utf-8", "surrogatepass")).digest()


def _sum(key: bytes, vector: bytes) -> bytes:
    return hashlib.sha256(key + vector).digest()[:_CHECKSUM]
