"""Reading a stranger's files: nothing is followed, nothing is larger than its limit, nothing is executed."""

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


class Refused(Exception):
    """A file that is not read further, with the rule that it breaks."""

    def __init__(self, rule: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.remedy = remedy


@contextmanager
def opened(path: Path, limit: int) -> Iterator[IO[bytes]]:
    """Open a plain file that is not larger than its limit; neither a link nor a pipe is ever opened.

    Raises:
        Refused: if it is missing, not a plain file, or too large.
    """
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused("folder", "it is not a plain file", "Put the file itself there.")
        if status.st_size > limit:
            raise Refused("size", f"it has {status.st_size:,} bytes, and the limit is {limit:,}")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise Refused("folder", f"it cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        yield file


def content(path: Path, limit: int) -> bytes:
    """The whole of a plain file; raises as :func:`opened` does."""
    with opened(path, limit) as file:
        found = file.read(limit + 1)
    if len(found) > limit:
        raise Refused("size", f"it has more than {limit:,} bytes")
    return found


def sha256(path: Path, limit: int) -> str:
    """The hash of a plain file; raises as :func:`opened` does."""
    digest = hashlib.sha256()
    with opened(path, limit) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def unpacked(path: Path, limit: int, unpacked_limit: int) -> Iterator[bytes]:
    """The content of a gzipped file, block by block.

    Raises:
        Refused: as :func:`opened` does, and if it is not one whole gzip stream or unpacks to more than its limit.
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
                    raise Refused("size", f"it unpacks to more than {unpacked_limit:,} bytes")
                if not packed:
                    raise Refused("gzip", "it is cut off", "Pack it again.")
                yield block
        except zlib.error as error:
            raise Refused("gzip", f"it is not gzip: {error}", "Pack it again.") from error
        if stream.unused_data or file.read(1):
            raise Refused("gzip", "something follows its gzip stream", "Pack it again.")


def text(data: bytes) -> str:
    """UTF-8 without control characters but tabs and line ends.

    Raises:
        Refused: if it is not.
    """
    try:
        found = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("encoding", f"byte {error.start} is not UTF-8", "Save it as UTF-8.") from error
    if control := _CONTROL.search(found):
        raise Refused(
            "encoding", f"character {control.start()} is the control character U+{ord(control.group()):04X}", "Take it out."
        )
    return found


def table(data: bytes, name: str) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        Refused: if it is not TOML, or not UTF-8.
    """
    found = text(data)
    if max(map(len, found.split("\n"))) > _LONGEST_LINE:  # the parser takes long for a name of thousands of parts
        raise Refused("size", f"it has a line of more than {_LONGEST_LINE:,} characters")
    try:
        return toml.loads(found, name)
    except HybridBenchError as error:
        raise Refused("toml", error.problem, error.remedy) from error
    except (RecursionError, ValueError, OverflowError) as error:  # nested too deep; a number of thousands of digits; year 0
        raise Refused("toml", f"it cannot be read: {quoted(error)}") from error


def listing(folder: Path, report: Report, *, most: int, inside: str = "") -> list[str] | None:
    """The names in a folder, sorted; None if it is not a plain folder or holds more than ``most``."""
    shown = inside or "."
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            report.error("folder", shown, "it is not a plain folder", "Put the folder itself there.")
            return None
        names = []
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) > most:
                    report.error("folder", shown, f"it holds more than {most} files")
                    return None
    except OSError as error:
        report.error("folder", shown, f"it cannot be read: {error.strerror}")
        return None
    return sorted(names)
