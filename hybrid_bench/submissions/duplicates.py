"""Comparison between submissions: confusable names, copied ranks, and changes of attested revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.submissions import attestation, similarity
from hybrid_bench.submissions.checksums import entry_hash, whole_hash
from hybrid_bench.submissions.format import rank_table, run_files, schema
from hybrid_bench.submissions.format.findings import Finding, Report, quoted
from hybrid_bench.submissions.names import KnownNames

if TYPE_CHECKING:
    from hybrid_bench.submissions.format.schema import Submission, SuiteEntry
    from hybrid_bench.submissions.similarity import Similarity

_MAX_SUBMISSIONS = 10_000


def check(folder: Path, submission: Submission, report: Report) -> None:
    """Compare a submission with all others in its folder of submissions."""
    others = [other for other in submissions(folder.parent.parent) if other != folder]
    KnownNames(others).check(submission, report)
    for suite, entry in submission.suites.items():
        mine = similarity.ranked(folder, suite, entry)
        if mine is None:
            continue
        signature = mine.signature()
        for other in others:
            theirs = similarity.ranked(other, suite, entry)
            if theirs and similarity.is_near(signature, theirs.signature()):
                _report_similar(folder, suite, entry, similarity.compare(mine, theirs), other, report)


def check_all(
    folders: Mapping[Path, Submission], signatures: Mapping[Path, Mapping[str, Sequence[float]]]
) -> dict[Path, list[Finding]]:
    """Compare all submissions with those before them; only folders with findings are returned.

    Args:
        folders: the submissions, published ones first.
        signatures: suite to the ``similarity.Ranked.signature`` of each.
    """
    names = KnownNames()
    near = _near(folders, signatures)
    found: dict[Path, list[Finding]] = {}
    for folder, submission in folders.items():
        report = Report()
        names.check(submission, report)
        for suite, other in near.get(folder, ()):
            entry = submission.suites[suite]
            mine, theirs = (similarity.ranked(one, suite, entry) for one in (folder, other))
            if mine and theirs and not _failed(found.get(other, ())):
                _report_similar(folder, suite, entry, similarity.compare(mine, theirs), other, report)
        if report.findings:
            found[folder] = report.findings
        if not report.failed:
            names.add(folder)
    return found


def _near(
    folders: Mapping[Path, Submission], signatures: Mapping[Path, Mapping[str, Sequence[float]]]
) -> dict[Path, list[tuple[str, Path]]]:
    """Submission to the (suite, earlier submission) that have a similar signature."""
    found: dict[Path, list[tuple[str, Path]]] = {}
    for suite in sorted({suite for submission in folders.values() for suite in submission.suites}):
        of_suite = {
            folder: np.array(signatures[folder][suite], dtype=np.float32) for folder in folders if suite in signatures[folder]
        }
        for first, second in similarity.near(of_suite):
            found.setdefault(second, []).append((suite, first))
    return found


def _failed(findings: Iterable[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)


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


def _report_similar(folder: Path, suite: str, entry: SuiteEntry, found: Similarity, other: Path, report: Report) -> None:
    """Report a copy: an error, or a warning for revisions of one encoder and what an organisation has trained alike.

    And a warning for what is likely derived from the encoder of another organisation.
    """
    same_encoder, same_org = (other.parent.name.split("__")[:parts] == folder.parent.name.split("__")[:parts] for parts in (2, 1))
    file = f"{schema.stem(suite)}{rank_table.SUFFIX if entry.kind == 'ranks' else run_files.SUFFIX}"
    name = f"{other.parent.name}/{other.name}"
    if found.copied:
        add = report.warning if same_encoder or (same_org and not found.copied_within) else report.error
        remedy = "Submit a different encoder, or add a revision to the existing one."
        add("duplicate", file, f"nearly the ranks of {name}: {found}", remedy)
    elif found.related and not same_org:
        remedy = "State in card.base what it was trained from; a maintainer decides."
        report.warning("duplicate", file, f"similar to {name}: {found}", remedy)
