"""Readers for untrusted files: no link is followed, every size is bounded, nothing is executed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.support import toml

_BLOCK = 1 << 18
_LONGEST_LINE = 16 << 10
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class RejectedFile(Exception):
    """A file that violates a rule and is not read further.

    Args:
        rule: the id of the violated rule.
        message: what is wrong.
        remedy: how to fix it.
    """

    def __init__(self, rule: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.remedy = remedy


@contextmanager
def opened(path: Path, limit: int) -> Iterator[IO[bytes]]:
    """Open a regular file of at most ``limit`` bytes; links and pipes are never opened.

    Raises:
        RejectedFile: if the file is missing, not a regular file, or too large.
    """
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise RejectedFile("folder", "not a regular file", "Replace it with the file itself.")
        if status.st_size > limit:
            raise RejectedFile("size", f"{status.st_size:,} bytes exceed the limit of {limit:,}")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise RejectedFile("folder", f"cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        yield file


def content(path: Path, limit: int) -> bytes:
    """Read a regular file; raises like :func:`opened`."""
    with opened(path, limit) as file:
        found = file.read(limit + 1)
    if len(found) > limit:
        raise RejectedFile("size", f"more than {limit:,} bytes")
    return found


def sha256(path: Path, limit: int) -> str:
    """Hash a regular file; raises like :func:`opened`."""
    digest = hashlib.sha256()
    with opened(path, limit) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def unpacked(path: Path, limit: int, unpacked_limit: int) -> Iterator[bytes]:
    """Decompress a gzip file block by block.

    Raises:
        RejectedFile: like :func:`opened`, and if it is not exactly one complete gzip stream or unpacks to more than
            ``unpacked_limit`` bytes.
    """
    stream = zlib.decompressobj(wbits=31)
    total = 0
    with opened(path, limit) as file:
        try:
            while not stream.eof:
                packed = stream.unconsumed_tail or file.read(_BLOCK)
                block = stream.decompress(packed, _BLOCK)
                total += len(block)
                if total > unpacked_limit:
                    raise RejectedFile("size", f"unpacks to more than {unpacked_limit:,} bytes")
                if not packed:
                    raise RejectedFile("gzip", "the gzip stream is truncated", "Pack the file again.")
                yield block
        except zlib.error as error:
            raise RejectedFile("gzip", f"not a gzip file: {error}", "Pack the file again.") from error
        if stream.unused_data or file.read(1):
            raise RejectedFile("gzip", "unexpected data after the gzip stream", "Pack the file again.")


def text(data: bytes) -> str:
    """Decode UTF-8; tabs and line ends are the only control characters allowed.

    Raises:
        RejectedFile: if the data is anything else.
    """
    try:
        found = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectedFile("encoding", f"byte {error.start} is not UTF-8", "Save the file as UTF-8.") from error
    if control := _CONTROL.search(found):
        raise RejectedFile(
            "encoding", f"character {control.start()} is the control character U+{ord(control.group()):04X}", "Remove it."
        )
    return found


def table(data: bytes, name: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        RejectedFile: if the data is not UTF-8 or not TOML.
    """
    found = text(data)
    if max(map(len, found.split("\n"))) > _LONGEST_LINE:  # the parser is slow on keys of thousands of parts
        raise RejectedFile("size", f"a line has more than {_LONGEST_LINE:,} characters")
    try:
        return toml.loads(found, name)
    except HybridBenchError as error:
        raise RejectedFile("toml", error.problem, error.remedy) from error
    except (RecursionError, ValueError, OverflowError) as error:  # deep nesting; numbers of thousands of digits; year 0
        raise RejectedFile("toml", f"cannot be parsed: {quoted(error)}") from error


def listing(folder: Path, report: Report, *, limit: int, label: str = ".") -> list[str] | None:
    """List the names in a folder, sorted; None if it is not a real folder or holds more than ``limit`` entries.

    Args:
        folder: the folder.
        report: receives a finding on failure.
        limit: the maximum number of entries.
        label: the name of the folder in findings.
    """
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            report.error("folder", label, "not a real folder", "Replace the link or file with the folder itself.")
            return None
        names = []
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) > limit:
                    report.error("folder", label, f"contains more than {limit} files")
                    return None
    except OSError as error:
        remedy = "Name the folder that `submit pack` printed." if label == "." else ""
        report.error("folder", label, f"cannot be read: {error.strerror}", remedy)
        return None
    return sorted(names)
