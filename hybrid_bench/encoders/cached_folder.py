"""Generated encoder folders in the cache, verified by checksum."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import cache
from hybrid_bench.support.hashing import sha256


def encoder_folder(name: str, expected: Mapping[str, str], make: Callable[[Path], None], megabytes: int) -> Path:
    """Return the cached folder of an encoder's files; create it if it is missing or a checksum does not match.

    For plugins whose weights are converted or merged from other files. The folder is created atomically: an interrupted
    process leaves no partial folder, and of several processes one creates it while the others wait.

    Args:
        name: of the encoder.
        expected: file name to its sha256. Different checksums use a different folder.
        make: writes the files into the empty folder that it is given.
        megabytes: disk space that the files need, for the error message.

    Returns:
        The folder, of which the checksums are verified.

    Raises:
        HybridBenchError: if the folder cannot be written, or ``make`` does not produce the expected files.
    """
    from filelock import FileLock

    version = hashlib.sha256("".join(expected.values()).encode()).hexdigest()[:8]
    folder = cache.home() / "encoders" / f"{name}-{version}"
    try:
        if not faults(folder, expected):
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if faults(folder, expected):
                _make(name, folder, expected, make)
    except OSError as error:
        raise HybridBenchError(
            f"cannot write the weights of {name} into {folder.parent}: {error.strerror or error}",
            f"They need {megabytes} MB. Free disk space, or set HYBRID_BENCH_HOME to a folder on another disk.",
        ) from error
    return folder


def faults(folder: Path, expected: Mapping[str, str]) -> list[str]:
    """Names of the files that are missing from a folder or do not have the expected sha256."""
    return [name for name, digest in expected.items() if sha256(folder / name) != digest]


def _make(name: str, folder: Path, expected: Mapping[str, str], make: Callable[[Path], None]) -> None:
    """Create the files next to ``folder``, verify and rename them; the caller holds the lock."""
    partial = folder.with_name(f"{folder.name}.partial")
    for leftover in (partial, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    try:
        make(partial)
        if wrong := faults(partial, expected):
            raise HybridBenchError(
                f"creating {name} did not give the expected bytes: {', '.join(wrong)}",
                "They are the same on every machine: check the source files, the memory and the disk.",
            )
        for file in expected:
            _sync(partial / file)
        partial.replace(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sync(path: Path) -> None:
    """Flush a file or a directory entry to disk; Windows cannot do this for directories."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
