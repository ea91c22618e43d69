"""Atomic file writes."""

from __future__ import annotations

import glob
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Write to a temporary file, sync, rename: a reader sees the old content or the new, never a part of it."""
    with writing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Context manager that gives a temporary path to write to; synced and renamed on success, removed on an error."""
    temporary = temporary_name(path)
    try:
        with naming(path):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Context manager that adds a path to errors of the system that name none, such as those of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


def temporary_name(path: Path) -> Path:
    """A temporary path beside a file, unique to this process. Removes temporary files of dead processes of this machine."""
    prefix = f".{path.name}.{platform.node()}-"
    for leftover in path.parent.glob(f"{glob.escape(prefix)}*.tmp"):
        process = leftover.name.removeprefix(prefix).removesuffix(".tmp")
        if process.isdecimal() and not _is_running(int(process)):
            leftover.unlink(missing_ok=True)
    return path.with_name(f"{prefix}{os.getpid()}.tmp")


def _is_running(process: int) -> bool:
    if os.name != "posix":  # other systems have no check without side effects
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # e.g. a process of another user
        return True
    return True
