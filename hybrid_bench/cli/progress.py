"""Progress of commands: one bar for the whole job in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType

from hybrid_bench.cli.streams import plain
from hybrid_bench.support.progress import Estimate

#: Seconds before the first line of a log, least seconds between two, and the share of the time so far that is between two.
_FIRST, _LEAST, _SHARE = 10.0, 30.0, 0.1
#: Whether only results, warnings and errors are printed; set by ``--quiet``.
quiet = False


class BarProgress:
    """A progress bar on standard error; plain lines where that is not a terminal; nothing with ``--quiet``.

    Args:
        jobs: that follow each other, such as encoders; the bar is of them all.
        clock: seconds.
    """

    def __init__(self, jobs: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[speed]}"),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, speed="", visible=False)
        self._jobs, self._job, self._name = jobs, 0, ""
        self._clock = clock
        self._estimate, self._announced = Estimate({}, clock), False
        self._step, self._total, self._done, self._since = "", 0, 0, clock()
        self._begun = clock()
        self._logged: float | None = None

    def __enter__(self) -> BarProgress:
        if not self._bar.disable:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._bar.disable:  # older versions of rich end a bar that was never shown with an empty line
            self._bar.stop()

    def job(self, name: str, steps: Mapping[str, float]) -> None:
        """Begin the next job."""
        self._job += 1
        self._jobs = max(self._jobs, self._job)
        self._name = name
        self._estimate, self._announced = Estimate(steps, self._clock), True

    def start(self, step: str, total: int) -> None:
        """Begin a step of ``total`` items; 0 if their number is not known."""
        # A step that was not announced is a job of its own, each time: one training after the other.
        if not (self._announced and self._estimate.knows(step)):
            self._estimate, self._announced = Estimate({step: float(total)}, self._clock), False
        self._estimate.start(step, total)
        self._step, self._total, self._done, self._since = step, total, 0, self._clock()
        self._show()

    def advance(self, done: int) -> None:
        """Count more items as done."""
        self._estimate.advance(done)
        self._done += done
        self._show()

    def say(self, message: str) -> None:
        """Print a message above the bar."""
        if not quiet:
            self._console.print(plain(message), markup=False, highlight=False, soft_wrap=True)

    def _show(self) -> None:
        share = self._estimate.share
        if self._job:
            share = (self._job - 1 + share) / self._jobs
        self._bar.update(
            self._task,
            description=self._description(),
            completed=share,
            total=1.0 if self._total or self._job else None,
            speed=", ".join(self._speed()),
            visible=True,
        )
        self._log(share)

    def _description(self) -> str:
        number = f"[{self._job}/{self._jobs}] " if self._jobs > 1 and self._job else ""
        return plain(f"{number}{self._name}: {self._step}" if self._name else self._step)

    def _speed(self) -> list[str]:
        """Items a second in this step, and the time that is left of all jobs if those that follow take as long as this one."""
        seconds = self._clock() - self._since
        parts = [f"{self._done / seconds:.{0 if self._done >= 10 * seconds else 1}f}/s"] if self._done and seconds >= 1 else []
        left, whole = self._estimate.remaining, self._estimate.whole
        if left is not None and whole is not None:
            parts.append(f"about {_duration(left + whole * (self._jobs - max(self._job, 1)))} left")
        return parts

    def _log(self, share: float) -> None:
        """A line where there is no bar, more seldom the longer the job takes."""
        if quiet or self._console.is_terminal:
            return
        now = self._clock()
        wait = _FIRST if self._logged is None else max(_LEAST, _SHARE * (now - self._begun))
        if now - (self._begun if self._logged is None else self._logged) >= wait:
            self._logged = now
            self.say(
                ", ".join([f"{self._description()}: {share:.0%} done" if self._total else self._description(), *self._speed()])
            )


def _duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
