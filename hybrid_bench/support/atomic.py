"""Writing a whole file or nothing."""

from __future__ import annotations

import glob
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Write under a temporary name, sync, rename: whoever looks sees the old file or the new one, never a part."""
    with writing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """The temporary name to write a file under; it is synced and renamed at the end, and removed on an error."""
    temporary = temporary_name(path)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    """A name beside a file, of this process alone; what killed processes of this machine left beside it is removed."""
    own = f".{path.name}.{platform.node()}-"
    for leftover in path.parent.glob(f"{glob.escape(own)}*.tmp"):
        process = leftover.name.removeprefix(own).removesuffix(".tmp")
        if process.isdecimal() and not _lives(int(process)):
            leftover.unlink(missing_ok=True)
    return path.with_name(f"{own}{os.getpid()}.tmp")


def _lives(process: int) -> bool:
    if os.name != "posix":  # elsewhere there is no harmless question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # such as of another user
        return True
    return True
