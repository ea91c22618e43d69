"""The lock file of a folder of leaderboards: the sha256 of every published submission, so that a change of one is found.

Lines are ``<sha256>  <org>__<name>/<revision>``, sorted by name. ``leaderboard build`` adds submissions and removes none, so that
a revision that was withdrawn cannot return with other content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions.checksums import whole_hash
from hybrid_bench.submissions.format.findings import Report

FILE = "submissions.lock"
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._+-]+/[A-Za-z0-9._+-]+)")


def read(leaderboards: Path) -> dict[str, str]:
    """Submission to the sha256 of its published content; empty without a lock file.

    Raises:
        HybridBenchError: if a line is malformed or repeated.
    """
    path = leaderboards / FILE
    if not path.is_file():
        return {}
    locked: dict[str, str] = {}
    for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in locked:
            raise HybridBenchError(
                f"{path}, line {number}: expected a sha256, two spaces and a submission that no other line names",
                "Restore the file from git.",
            )
        locked[match[2]] = match[1]
    return locked


def text(locked: Mapping[str, str]) -> str:
    """The content of the lock file."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(locked.items()))


def check(name: str, hashes: dict[str, str], locked: Mapping[str, str], report: Report) -> None:
    """Report a published revision that has changed.

    Args:
        name: ``<org>__<name>/<revision>``.
        hashes: file of the submission to its sha256.
        locked: the content of the lock file.
        report: receives the finding.
    """
    if name in locked and locked[name] != whole_hash(hashes):
        report.error(
            "revision",
            ".",
            f"{name} is not what was published: its sha256 differs from the one in {FILE}",
            "Restore it, and submit changes as a new revision.",
        )
