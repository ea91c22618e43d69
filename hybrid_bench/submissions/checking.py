"""Validation of a submission against every rule, collecting all findings; no submitted code is executed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.submissions import attestation, duplicates, lock, suspicion, vector_checks
from hybrid_bench.submissions.attestation import AttestedSuite
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import run_files, schema
from hybrid_bench.submissions.format.findings import Finding, Report, quoted
from hybrid_bench.submissions.inspection import Inspection, inspect
from hybrid_bench.submissions.rescoring import claims, mean_scores, scored

if TYPE_CHECKING:
    from hybrid_bench.datasets.settings import Setting


@dataclass
class CheckResult:
    """The outcome of a check.

    Attributes:
        findings: errors first.
        attested: the suites whose ranks the given vectors reproduce, as they can be recorded.
        inspection: the parsed submission; None if submission.toml is invalid.
    """

    findings: list[Finding]
    attested: dict[str, AttestedSuite] = field(default_factory=dict)
    inspection: Inspection | None = None

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(finding.severity == "error" for finding in self.findings)


def check(folder: Path | str, *, vectors: Sequence[Path] = (), checks: Path | None = None) -> list[Finding]:
    """Check a submission and return all findings; arguments as in :func:`run`."""
    return run(Path(folder), vectors=vectors, checks=checks).findings


def run(
    folder: Path,
    *,
    vectors: Sequence[Path] = (),
    checks: Path | None = None,
    on_board: Callable[[str], bool] | None = None,
) -> CheckResult:
    """Check a submission.

    Args:
        folder: ``.../submissions/<org>__<name>/<revision>``.
        vectors: files ``<suite>.vectors.safetensors``, or folders that contain them; the ranks are recomputed from them.
        checks: folder of attestations; defaults to ``checks/`` next to ``submissions/``.
        on_board: whether a leaderboard shows a suite; None if the boards are not known.

    Raises:
        HybridBenchError: if the data of a suite cannot be obtained.
    """
    report = Report()
    found = inspect(folder, report)
    if found is None:
        return CheckResult(report.findings)
    recorded = checks or attestation.checks_folder(found.folder)
    for name in found.submission.suites:
        if on_board and not on_board(name):
            report.error(
                "suite", schema.FILE, f"no leaderboard shows {quoted(name)}", "Remove it, or add a board: boards/NAME.toml."
            )
    for name, files in found.runs.items():
        _check_runs(name, files, found, report)
    lock.check(found.submission.folder, found.hashes, lock.read(found.folder.parent.parent.parent), report)
    duplicates.check(found.folder, found.submission, report)
    duplicates.check_recorded(found.submission, found.hashes, recorded, report)
    if not report.failed:
        _check_scores(found, recorded, report)
    attested = {}
    for name, path in vector_checks.find_files(vectors, found, report).items():
        if (verified := vector_checks.check(name, path, found, recorded, report)) is not None:
            attested[name] = verified
    return CheckResult(report.findings, {} if report.failed else attested, found)


def _check_runs(name: str, files: dict[Setting, Path], found: Inspection, report: Report) -> None:
    data = suite_data.load(name)
    depth = found.submission.suites[name].depth or 1
    judged = run_files.settings(data)
    for setting, path in files.items():
        run_files.read(path, setting, judged[setting], data, depth, report, f"{path.parent.name}/{path.name}")


def _check_scores(found: Inspection, recorded: Path, report: Report) -> None:
    """Report claims that are not confirmed, and scores that a maintainer should look at."""
    levels = attestation.read(recorded, found.submission)
    for name, entry in found.submission.suites.items():
        result = scored(found, name)
        too_high = "; ".join(suspicion.high_scores(mean_scores(result)))
        if too_high and levels.level(name, found.entry_hash(name), found.whole_hash) != "re-run":
            report.warning("suspicious", schema.FILE, f"{name}: {too_high}; no one re-ran it", suspicion.REMEDY)
        for claim in claims(entry, result):
            if not claim.confirmed:
                actual = "no such score" if claim.recomputed is None else f"{claim.recomputed:.5f}"
                report.warning(
                    "claim",
                    schema.FILE,
                    f"{name}: claimed {claim.score} {claim.claimed:.5f}, recomputed {actual}",
                    "The leaderboards show the recomputed score and mark the claim as not confirmed.",
                )
