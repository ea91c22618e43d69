"""The one exception that a user is meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

#: Names that an error lists at most.
_LISTED = 20


class HybridBenchError(Exception):
    """Something the person at the keyboard can mend: what is wrong, and what to do about it.

    The command line prints it as one or two lines and exits with status 2; ``--debug`` shows the traceback.

    Args:
        problem: what is wrong and where, in one sentence without a full stop where a value follows.
        remedy: what to do about it; empty if the problem says it already.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem if not remedy else f"{problem}\n  {remedy}")
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        # Not by calling the class again: its arguments are not those that the exception keeps, and workers send errors home.
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[HybridBenchError], args: tuple[Any, ...]) -> HybridBenchError:
    return kind.__new__(kind, *args)


class UnknownNameError(HybridBenchError, LookupError):
    """A name that is not registered, with the nearest names that are."""

    def __init__(self, kind: str, name: str, known: Iterable[str], remedy: str = "") -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {listed or 'none'}."
        super().__init__(f"unknown {kind} {name!r}", " ".join(filter(None, (hint, remedy))))
