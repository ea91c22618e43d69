"""Progress reporting for long-running jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol

#: What takes less, in seconds, is no work: vectors are found in the store so fast.
_INSTANT = 0.05


class Progress(Protocol):
    """Receives progress reports of a job. A context manager, entered for the duration of the job."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def job(self, name: str, steps: Mapping[str, float]) -> None:
        """Announce the steps of a job and what each costs compared with the others, so that its whole length is known.

        A step that was not announced is a job of its own.

        Args:
            name: of the encoder, for example.
            steps: name of a step to its cost, such as the number of characters that are encoded.
        """

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

    def job(self, name: str, steps: Mapping[str, float]) -> None:
        """Do nothing."""

    def start(self, step: str, total: int) -> None:
        """Do nothing."""

    def advance(self, done: int) -> None:
        """Do nothing."""

    def say(self, message: str) -> None:
        """Do nothing."""


class Estimate:
    """How far a job is and how long it takes, from the reports of its steps.

    The speed is that of the steps that took time: what was found in the store says nothing of it.

    Args:
        steps: name of a step to its cost compared with the others.
        clock: seconds.
    """

    def __init__(self, steps: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self._steps = dict(steps)
        self._clock = clock
        self._reported = clock()
        self._done, self._worked, self._seconds = 0.0, 0.0, 0.0
        self._step, self._total, self._of_step = "", 0, 0.0

    def knows(self, step: str) -> bool:
        """Whether a step is of this job."""
        return step in self._steps

    def start(self, step: str, total: int) -> None:
        """Begin a step of so many items; the one before is complete."""
        self._complete()
        self._step, self._total, self._of_step = step, total, 0.0
        self._reported = self._clock()

    def advance(self, done: int) -> None:
        """Count items of the step."""
        now = self._clock()
        cost = self._steps.get(self._step, 0.0)
        part = min(cost * done / self._total, cost - self._of_step) if self._total else 0.0
        self._done += part
        self._of_step += part
        if now - self._reported >= _INSTANT:
            self._worked += part
            self._seconds += now - self._reported
        self._reported = now

    def _complete(self) -> None:
        self._done += self._steps.get(self._step, 0.0) - self._of_step if self._total else 0.0

    @property
    def share(self) -> float:
        """How much of the job is done, from 0 to 1."""
        whole = sum(self._steps.values())
        return min(1.0, self._done / whole) if whole else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds that are left; None before anything took time."""
        if not self._worked:
            return None
        return (sum(self._steps.values()) - self._done) * self._seconds / self._worked

    @property
    def whole(self) -> float | None:
        """Seconds that the job takes if nothing of it is in the store; None before anything took time."""
        return sum(self._steps.values()) * self._seconds / self._worked if self._worked else None
