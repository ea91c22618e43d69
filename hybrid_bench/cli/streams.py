"""Standard output and standard error of commands.

Only results reach standard output: what plugins, libraries and their processes print goes to standard error. Both are UTF-8
everywhere. A failed write to standard output is an error.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import typer

from hybrid_bench.errors import HybridBenchError

#: Where results go while other output is redirected, see :func:`results_only`.
_results: TextIO | None = None

#: Control characters but newline and tab, changes of the writing direction, and lone surrogates, which UTF-8 does not have.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: object) -> str:
    r"""A text with control characters as visible escapes (``\x1b``): text from files must not command the terminal."""
    return _COMMANDS.sub(lambda found: ascii(found[0])[1:-1], str(text))


def prepare() -> None:
    """Open closed standard streams, so that no file gets their descriptors, and set both outputs to UTF-8."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed, as by `>&-`: writing to a read-only descriptor fails too, so lost results are noticed
            os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115  # a descriptor
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    if sys.stdout is None or _descriptor(sys.stdout) == 1:
        sys.stdout = _whole(1, closefd=False)


@contextlib.contextmanager
def results_only() -> Iterator[None]:
    """Inside, only this module writes to standard output; everything else that is printed goes to standard error.

    Raises:
        HybridBenchError: if standard output cannot be written, or the code inside ends the program.
    """
    global _results
    original = sys.stdout
    own = _descriptor(original) == 1  # not, for example, a StringIO
    if own:
        original.flush()
        _results = _whole(os.dup(1), closefd=True)
        os.dup2(2, 1)
    else:
        _results = original
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
        flush()
    except typer.Exit:
        flush()
        raise
    except SystemExit as error:  # commands end with typer.Exit
        raise HybridBenchError(
            f"a plugin or library ended the program: sys.exit({error.code!r})",
            "The command is not complete. --debug shows where; fix or uninstall the plugin.",
        ) from error
    finally:
        if own:
            sys.stdout.flush()
            os.dup2(_results.fileno(), 1)
            with contextlib.suppress(OSError):  # flush() has reported it
                _results.close()
        _results = None


def results() -> TextIO:
    """The stream for results."""
    return _results or sys.stdout


def write(text: str) -> None:
    """Write data to standard output as they are; to a terminal without control characters.

    Raises:
        HybridBenchError: if standard output cannot be written.
    """
    write_styled(plain(text) if results().isatty() else text)


def write_styled(text: str) -> None:
    """Write text with the terminal's own escape sequences, such as colours, to standard output; see :func:`write`."""
    with _explained():
        results().write(text)


def flush() -> None:
    """Complete the writes.

    Raises:
        HybridBenchError: if standard output cannot be written.
    """
    with _explained():
        results().flush()


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise HybridBenchError(
            f"the output has characters that UTF-8 does not have: {error.object[error.start : error.end]!r}",
            "The data are damaged: replace these characters in them.",
        ) from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        reason = "it is closed" if error.errno == errno.EBADF else error.strerror
        raise HybridBenchError(
            f"cannot write to standard output: {reason}", "What it holds is not complete. Redirect it elsewhere, and run again."
        ) from error


class _WholeFile(io.FileIO):
    """A file whose ``write`` writes everything: Python's unbuffered standard output (PYTHONUNBUFFERED) ignores a short write."""

    def write(self, data: Any, /) -> int:
        view, done = memoryview(data).cast("B"), 0
        while done < len(view):
            done += super().write(view[done:]) or 0
        return done


def _whole(descriptor: int, *, closefd: bool) -> TextIO:
    """A descriptor as a stream of UTF-8."""
    if os.name == "nt" and os.isatty(descriptor):  # Python writes to consoles of Windows in its own way
        return open(descriptor, "w", encoding="utf-8", closefd=closefd)
    raw = io.BufferedWriter(_WholeFile(descriptor, "w", closefd=closefd))
    return io.TextIOWrapper(raw, encoding="utf-8", line_buffering=os.isatty(descriptor))


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, AttributeError):  # not a file; io.UnsupportedOperation is an OSError
        return None
