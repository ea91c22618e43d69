"""Locking, cleanup of stale files, disk-full errors."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from hybrid_bench.errors import HybridBenchError

_WRITE_ERRORS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST,
}  # fmt: skip

#: Called with the folder before this process waits for another one that is writing to it.
OnWait = Callable[[Path], None]


@dataclass(frozen=True)
class Part:
    """The shards that one writer is responsible for: every ``of``-th, starting at ``number``. By default all shards."""

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if self.of < 1 or not 0 <= self.number < self.of:
            raise HybridBenchError(
                f"part {self.number} of {self.of} does not exist", f"Parts are numbered 0 to {max(self.of, 1) - 1}."
            )

    def has(self, shard: int) -> bool:
        """Whether a shard belongs to this part."""
        return shard % self.of == self.number


@contextlib.contextmanager
def locked(folder: Path, on_wait: OnWait | None, part: Part | None = None) -> Iterator[None]:
    """Hold the write lock of a folder, or of one part of its shards, and remove temporary files of interrupted writers.

    Different parts of the same division can be locked at once; every other combination excludes each other. An existing folder
    that cannot be written to needs no lock: what it holds can be read, and nobody here writes.

    Args:
        folder: created if it does not exist.
        on_wait: called if another process holds the lock.
        part: by default all shards.
    """
    part = part or Part()
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
    if not is_writable(folder):
        yield
        return
    with contextlib.ExitStack() as held:
        with contextlib.ExitStack() as gate:
            within = held if part.of == 1 else gate
            _acquire(folder / "lock", on_wait, within)
            for path in sorted(folder.glob("lock.*-of-*")):
                if part.of == 1 or not path.name.endswith(f"-of-{part.of}"):
                    _acquire(path, on_wait, within)
            if part.of > 1:
                _acquire(folder / f"lock.{part.number}-of-{part.of}", on_wait, held)
        for leftover in folder.glob(".*.tmp"):  # of interrupted writers: with the lock held, no live one has any
            shard = leftover.name[1:].partition(".")[0]
            if part.of == 1 or (shard.isdigit() and part.has(int(shard))):
                leftover.unlink(missing_ok=True)
        yield


def is_writable(folder: Path) -> bool:
    """Whether this process may write to a folder: it is not on a read-only file system, and not of another user."""
    return os.access(folder, os.W_OK) and all(os.access(lock, os.W_OK) for lock in folder.glob("lock*"))


def _acquire(path: Path, on_wait: OnWait | None, held: contextlib.ExitStack) -> None:
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0.2)
    except filelock.Timeout:
        if on_wait:
            on_wait(path.parent)
        lock.acquire()
    held.callback(lock.release)


@contextlib.contextmanager
def explain_write_errors(folder: Path, what: str = "vectors") -> Iterator[None]:
    """Turn write errors (disk full, no permission, ...) into HybridBenchError.

    Args:
        folder: that is written to.
        what: what is written, for the error message.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _WRITE_ERRORS:
            raise
        raise HybridBenchError(
            f"cannot write {what} to {folder}: {error.strerror}",
            "What was written stays. Make room, or choose another folder with --store or HYBRID_BENCH_HOME, and run again.",
        ) from error
