"""Other submissions beside one: names that read the same, ranks that are the same, and what was recorded of it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.submissions import attestation
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_table, schema, untrusted
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.untrusted import Refused
from hybrid_bench.submissions.inspection import handed_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.schema import Submission

#: Lines that two tables of ranks may have in common.
_SHARED_LINES = 0.8
_MOST_SUBMISSIONS = 10_000


def check(folder: Path, submission: Submission, report: Report) -> None:
    """Compare a submission with every other in the same folder of submissions."""
    others = [other for other in submissions(folder.parent.parent) if other != folder]
    _check_name(folder, submission, others, report)
    for suite in submission.suites:
        mine = _lines(folder, suite)
        if not len(mine):
            continue
        for other in others:
            _check_lines(folder, suite, mine, other, report)


def check_all(folders: Mapping[Path, Submission], report: Report) -> None:
    """Compare all submissions of a folder with each other, each pair once; findings name the later folder's files."""
    before: list[Path] = []
    for folder, submission in folders.items():
        inside = Report()
        _check_name(folder, submission, before, inside)
        for suite in submission.suites:
            mine = _lines(folder, suite)
            for other in before if len(mine) else ():
                if suite in folders[other].suites:
                    _check_lines(folder, suite, mine, other, inside)
        for finding in inside.findings:
            tell = report.error if finding.severity == "error" else report.warning
            tell(finding.rule, f"{submission.folder}/{finding.file}", finding.message, finding.remedy)
        before.append(folder)


def check_recorded(submission: Submission, hashes: dict[str, str], checks: Path, report: Report) -> None:
    """A revision that was checked and recorded has the ranks that it had then."""
    for name, attested in attestation.read(checks, submission).suites.items():
        if name not in submission.suites or handed_hash(hashes, submission, name) != attested.ranks:
            report.error(
                "revision",
                schema.FILE,
                f"{submission.folder} was recorded with other ranks on {quoted(name)}",
                "Hand in changes as a new revision.",
            )


def submissions(root: Path) -> list[Path]:
    """Every ``<org>__<name>/<revision>`` of a folder of submissions."""
    found = []
    for path in sorted(root.glob("*/*/")):
        if "__" in path.parent.name and not path.is_symlink() and (path / schema.FILE).is_file():
            found.append(path)
    return found[:_MOST_SUBMISSIONS]


def _check_name(folder: Path, submission: Submission, others: Sequence[Path], report: Report) -> None:
    for name in sorted({other.parent.name for other in others} - {folder.parent.name}):
        if _skeleton(name) == _skeleton(f"{submission.org}__{submission.name}"):
            report.error(
                "name",
                schema.FILE,
                f"{submission.title} reads the same as {quoted(name)}, which is there already",
                "Choose another name.",
            )


def _check_lines(folder: Path, suite: str, mine: NDArray[np.int64], other: Path, report: Report) -> None:
    shared = len(np.intersect1d(mine, _lines(other, suite), assume_unique=True)) / len(mine)
    if shared > _SHARED_LINES:
        tell = report.warning if other.parent.name == folder.parent.name else report.error
        tell(
            "duplicate",
            f"{schema.stem(suite)}{rank_table.SUFFIX}",
            f"{shared:.0%} of its lines are those of {other.parent.name}/{other.name}",
            "Hand in an encoder of your own, or add a revision to the one that is there.",
        )


def _lines(folder: Path, suite: str) -> NDArray[np.int64]:
    """A number for each line of a submission's table, ascending; empty if it has none that can be read."""
    file = folder / f"{schema.stem(suite)}{rank_table.SUFFIX}"
    try:
        status = file.lstat()
    except OSError:
        return np.zeros(0, dtype=np.int64)
    return _numbers(file, suite, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=256)
def _numbers(file: Path, suite: str, changed: int, size: int) -> NDArray[np.int64]:
    try:
        limit = rank_table.unpacked_limit(suite_data.load(suite)) if suite_data.known(suite) else 0
        text = untrusted.text(b"".join(untrusted.unpacked(file, rank_table.PACKED_LIMIT, limit)))
    except Refused:
        return np.zeros(0, dtype=np.int64)
    # Lines that hash alike by chance are too few to matter; within a process equal lines have equal hashes.
    return np.unique(np.array([hash(line) for line in text.split("\n")], dtype=np.int64))


def _skeleton(name: str) -> str:
    """What is left of a name when case, separators and digits that look like letters are taken for the same."""
    return re.sub(r"[^a-z]", "", name.lower().translate(str.maketrans("0135", "oles")).replace("i", "l"))
