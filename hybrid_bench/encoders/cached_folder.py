"""Encoder folders in the cache: made once, checked at every use."""

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
    """A folder of an encoder's files in the cache: made once, checked at every use, made again where it does not fit.

    A process that is killed leaves nothing that a later one would take for the folder, and of several that come at once one
    makes it and the others wait for it.

    Args:
        name: of the encoder.
        expected: file to the sha256 that it must have; another set of them is another folder.
        make: writes the files into an empty folder.
        megabytes: what they need, for the error.

    Raises:
        HybridBenchError: if the folder cannot be written, or ``make`` does not give the expected files.
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
            f"They need {megabytes} MB. Make room, or set HYBRID_BENCH_HOME to a folder that has it.",
        ) from error
    return folder


def faults(folder: Path, expected: Mapping[str, str]) -> list[str]:
    """The files that are missing in a folder or do not have the expected sha256."""
    return [name for name, digest in expected.items() if sha256(folder / name) != digest]


def _make(name: str, folder: Path, expected: Mapping[str, str], make: Callable[[Path], None]) -> None:
    """Make the files beside ``folder``, check, and put in place; the caller holds the lock."""
    partial = folder.with_name(f"{folder.name}.partial")
    for leftover in (partial, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    try:
        make(partial)
        if wrong := faults(partial, expected):
            raise HybridBenchError(
                f"making {name} did not give the expected bytes: {', '.join(wrong)}",
                "It gives the same bytes of the same files on every sound machine: check what it is made of, memory and disk.",
            )
        for file in expected:
            _sync(partial / file)
        partial.replace(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sync(path: Path) -> None:
    """Bring a file or a folder's entries to the disk; Windows has no such call for folders."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
