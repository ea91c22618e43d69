"""Saying what is going on while long work is going on."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol


class Progress(Protocol):
    """Where long work reports. Entered while the work is going on."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def start(self, step: str, total: int) -> None:
        """A step of ``total`` texts or queries begins; 0 where nobody knows how many."""

    def advance(self, done: int) -> None:
        """So many more are done."""

    def say(self, message: str) -> None:
        """Something that the person at the keyboard should know."""


class SilentProgress:
    """Says nothing."""

    def __enter__(self) -> SilentProgress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def start(self, step: str, total: int) -> None:
        """Nothing."""

    def advance(self, done: int) -> None:
        """Nothing."""

    def say(self, message: str) -> None:
        """Nothing."""
