"""What every writer of vectors does: keep others out, clear away what a killed one left, and explain a full disk."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from hybrid_bench.errors import HybridBenchError

_CANNOT_WRITE = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST,
}  # fmt: skip

#: Told of the folder if another process is writing it; this one then waits.
Waiting = Callable[[Path], None]


@dataclass(frozen=True)
class Part:
    """Which shards a writer writes: every ``of``-th from ``number`` on. The first part of one is all of them."""

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if self.of < 1 or not 0 <= self.number < self.of:
            raise HybridBenchError(
                f"there is no part {self.number} of {self.of}", f"Parts are numbered 0 to {max(self.of, 1) - 1}."
            )

    def has(self, shard: int) -> bool:
        """Whether a shard is in this part."""
        return shard % self.of == self.number


@contextlib.contextmanager
def locked(folder: Path, waiting: Waiting | None, part: Part | None = None) -> Iterator[None]:
    """Be the only writer of a folder, or of a part of its shards; parts of the same division do not wait for each other."""
    part = part or Part()
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with contextlib.ExitStack() as gate:
            within = held if part.of == 1 else gate
            _acquire(folder / "lock", waiting, within)
            for path in sorted(folder.glob("lock.*-of-*")):
                if part.of == 1 or not path.name.endswith(f"-of-{part.of}"):
                    _acquire(path, waiting, within)
            if part.of > 1:
                _acquire(folder / f"lock.{part.number}-of-{part.of}", waiting, held)
        for leftover in folder.glob(".*.tmp"):  # of a writer that was killed: nobody else writes these while we hold the lock
            shard = leftover.name[1:].partition(".")[0]
            if part.of == 1 or (shard.isdigit() and part.has(int(shard))):
                leftover.unlink(missing_ok=True)
        yield


def _acquire(path: Path, waiting: Waiting | None, held: contextlib.ExitStack) -> None:
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0.2)
    except filelock.Timeout:
        if waiting:
            waiting(path.parent)
        lock.acquire()
    held.callback(lock.release)


@contextlib.contextmanager
def full_disk_explained(folder: Path, what: str = "vectors") -> Iterator[None]:
    """Turn an error of writing into one for the person at the keyboard."""
    try:
        yield
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        raise HybridBenchError(
            f"cannot write {what} to {folder}: {error.strerror}",
            "What was written stays. Make room, or choose another folder with --store or HYBRID_BENCH_HOME, and run again.",
        ) from error
