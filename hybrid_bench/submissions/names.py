"""Comparison of the names of submissions: no org or encoder has a name that looks like that of another one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hybrid_bench.submissions.format import schema
from hybrid_bench.submissions.format.confusables import forms
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.schema import Submission


class KnownNames:
    """The names of accepted submissions, by their reduced forms; look-ups do not depend on their number."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._orgs: dict[str, set[str]] = {}
        self._encoders: dict[tuple[str, str], set[str]] = {}
        self._revisions: dict[str, set[str]] = {}
        for folder in folders:
            self.add(folder)

    def add(self, folder: Path) -> None:
        """Add a folder ``<org>__<name>/<revision>``."""
        org, _, name = folder.parent.name.partition("__")
        for form in forms(org):
            self._orgs.setdefault(form, set()).add(org)
        for pair in _pairs(org, name):
            self._encoders.setdefault(pair, set()).add(folder.parent.name)
        self._revisions.setdefault(f"{folder.parent.name}/{folder.name}".lower(), set()).add(folder.name)

    def check(self, submission: Submission, report: Report) -> None:
        """Report a name that is confusable with a known one but not equal to it."""
        orgs = {org for form in forms(submission.org) for org in self._orgs.get(form, ())}
        encoders = {name for pair in _pairs(submission.org, submission.name) for name in self._encoders.get(pair, ())}
        for kind, mine, found in (
            ("org", submission.org, orgs - {submission.org}),
            ("submission", submission.title, encoders - {f"{submission.org}__{submission.name}"}),
        ):
            for other in sorted(found):
                report.error(
                    "name",
                    schema.FILE,
                    f"{mine} is confusable with the existing {kind} {quoted(other)}",
                    "Choose another name, or spell it in the same way.",
                )
        for other in sorted(self._revisions.get(submission.folder.lower(), set()) - {submission.revision}):
            report.warning(
                "name",
                schema.FILE,
                f"the revision differs from {quoted(other)} only by case",
                "On Windows and macOS both have the same folder: choose another revision.",
            )


def _pairs(org: str, name: str) -> set[tuple[str, str]]:
    return {(one, other) for one in forms(org) for other in forms(name)}
