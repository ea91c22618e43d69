"""Progress reporting for long-running jobs."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol


class Progress(Protocol):
    """Receives progress reports of a job. A context manager, entered for the duration of the job."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def start(self, step: str, total: int) -> None:
        """Begin a step of ``total`` texts or queries; 0 if the number is unknown."""

    def advance(self, done: int) -> None:
        """Report that ``done`` more of them are finished."""

    def say(self, message: str) -> None:
        """Show a message to the user."""


class SilentProgress:
    """Discards all reports."""

    def __enter__(self) -> SilentProgress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def start(self, step: str, total: int) -> None:
        """Do nothing."""

    def advance(self, done: int) -> None:
        """Do nothing."""

    def say(self, message: str) -> None:
        """Do nothing."""
