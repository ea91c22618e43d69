"""Errors that a user can fix; the command line prints them without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

#: The most names that an error lists.
_LISTED = 20


class HybridBenchError(Exception):
    """An error that the user can fix: what is wrong, and what to do about it.

    The command line prints it as one or two lines and exits with status 2; ``--debug`` shows the traceback.

    Args:
        problem: what is wrong and where, in one sentence; no full stop at its end.
        remedy: what to do about it; empty if that is clear from the problem.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem if not remedy else f"{problem}\n  {remedy}")
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        # The constructor's arguments are not the exception's args, so the default would fail; worker processes pickle errors.
        return _unpickled, (type(self), self.args), self.__dict__


def _unpickled(kind: type[HybridBenchError], args: tuple[Any, ...]) -> HybridBenchError:
    return kind.__new__(kind, *args)


class UnknownNameError(HybridBenchError, LookupError):
    """A name that is not registered; the error suggests similar names."""

    def __init__(self, kind: str, name: str, known: Iterable[str], remedy: str = "") -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {listed or 'none'}."
        super().__init__(f"unknown {kind} {name!r}", " ".join(filter(None, (hint, remedy))))
