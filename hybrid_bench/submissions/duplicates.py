"""Comparison between submissions: confusable names, copied ranks, and changes of attested revisions."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.submissions import attestation
from hybrid_bench.submissions.checksums import entry_hash, whole_hash
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_table, schema, untrusted
from hybrid_bench.submissions.format.findings import Finding, Report, quoted
from hybrid_bench.submissions.format.untrusted import RejectedFile
from hybrid_bench.submissions.names import KnownNames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.schema import Submission

#: Maximum share of identical lines in two rank tables.
_SHARED_LINES = 0.8
_MAX_SUBMISSIONS = 10_000


def check(folder: Path, submission: Submission, report: Report) -> None:
    """Compare a submission with all others in its folder of submissions."""
    others = [other for other in submissions(folder.parent.parent) if other != folder]
    KnownNames(others).check(submission, report)
    for suite in submission.suites:
        mine = _lines(folder, suite)
        if not len(mine):
            continue
        for other in others:
            _check_lines(folder, suite, mine, other, report)


def check_all(folders: Mapping[Path, Submission]) -> dict[Path, list[Finding]]:
    """Compare all submissions with those before them; only folders with findings are returned."""
    names = KnownNames()
    before: list[Path] = []
    found = {}
    for folder, submission in folders.items():
        report = Report()
        names.check(submission, report)
        for suite in submission.suites:
            mine = _lines(folder, suite)
            for other in before if len(mine) else ():
                if suite in folders[other].suites:
                    _check_lines(folder, suite, mine, other, report)
        if report.findings:
            found[folder] = report.findings
        if not report.failed:
            names.add(folder)
            before.append(folder)
    return found


def check_recorded(submission: Submission, hashes: dict[str, str], checks: Path, report: Report) -> None:
    """Check that an attested revision has not changed."""
    recorded = attestation.read(checks, submission)
    for name, attested in recorded.suites.items():
        ranks = entry_hash(hashes, submission, name) if name in submission.suites else ""
        if recorded.valid(name, ranks, whole_hash(hashes)) is None:
            what = "ranks" if ranks != attested.ranks else "card or files"
            report.error(
                "revision",
                schema.FILE,
                f"the {what} of {submission.folder} on {quoted(name)} changed after they were attested",
                "Submit changes as a new revision.",
            )


def submissions(root: Path) -> list[Path]:
    """All folders ``<org>__<name>/<revision>`` in a folder of submissions."""
    found = []
    for path in sorted(root.glob("*/*/")):
        if "__" in path.parent.name and not path.is_symlink() and (path / schema.FILE).is_file():
            found.append(path)
    return found[:_MAX_SUBMISSIONS]


def _check_lines(folder: Path, suite: str, mine: NDArray[np.int64], other: Path, report: Report) -> None:
    shared = len(np.intersect1d(mine, _lines(other, suite), assume_unique=True)) / len(mine)
    if shared > _SHARED_LINES:
        add = report.warning if other.parent.name == folder.parent.name else report.error
        add(
            "duplicate",
            f"{schema.stem(suite)}{rank_table.SUFFIX}",
            f"{shared:.0%} of the lines are identical to those of {other.parent.name}/{other.name}",
            "Submit a different encoder, or add a revision to the existing one.",
        )


def _lines(folder: Path, suite: str) -> NDArray[np.int64]:
    """Hashes of the lines of a submission's rank table, ascending; empty if there is no readable table."""
    file = folder / f"{schema.stem(suite)}{rank_table.SUFFIX}"
    try:
        status = file.lstat()
    except OSError:
        return np.zeros(0, dtype=np.int64)
    return _line_hashes(file, suite, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=256)
def _line_hashes(file: Path, suite: str, changed: int, size: int) -> NDArray[np.int64]:
    try:
        limit = rank_table.unpacked_limit(suite_data.load(suite)) if suite_data.known(suite) else 0
        text = untrusted.text(b"".join(untrusted.unpacked(file, rank_table.PACKED_LIMIT, limit)))
    except RejectedFile:
        return np.zeros(0, dtype=np.int64)
    # Hash collisions are too rare to matter, and equal lines have equal hashes within a process.
    return np.unique(np.array([hash(line) for line in text.split("\n")], dtype=np.int64))
