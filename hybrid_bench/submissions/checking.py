"""Every rule on a submission, every finding in one go; nothing of the submitter's is executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.submissions import attestation, duplicates, ranking
from hybrid_bench.submissions.attestation import Attested
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import run_files, schema, untrusted
from hybrid_bench.submissions.format import vectors as vector_file
from hybrid_bench.submissions.format.findings import Finding, Report, quoted
from hybrid_bench.submissions.format.untrusted import Refused
from hybrid_bench.submissions.inspection import Inspected, inspect
from hybrid_bench.submissions.rescoring import claims, scored

if TYPE_CHECKING:
    from hybrid_bench.datasets.settings import Setting
    from hybrid_bench.submissions.format.rank_table import RankTable

#: Cosines that two encoders' vectors differ in at most, if they are nearly the same.
_SAME_COSINE = 0.003


@dataclass
class Check:
    """What a check found.

    Attributes:
        findings: errors first.
        attested: suite to what can be recorded: its vectors give its ranks.
        inspected: what was read; None if the card could not be.
    """

    findings: list[Finding]
    attested: dict[str, Attested] = field(default_factory=dict)
    inspected: Inspected | None = None

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(finding.severity == "error" for finding in self.findings)


def check(folder: Path | str, *, vectors: Sequence[Path] = (), checks: Path | None = None) -> list[Finding]:
    """All that is wrong with a submission; empty if nothing is. See :func:`run`."""
    return run(Path(folder), vectors=vectors, checks=checks).findings


def run(folder: Path, *, vectors: Sequence[Path] = (), checks: Path | None = None) -> Check:
    """Check a submission.

    Args:
        folder: ``.../submissions/<org>__<name>/<revision>``.
        vectors: files ``<suite>.vectors.safetensors``, or folders of them: the ranks are recomputed from them.
        checks: folder of attestations; by default ``checks/`` beside ``submissions/``.

    Raises:
        HybridBenchError: if a suite's data cannot be had here.
    """
    report = Report()
    found = inspect(folder, report)
    if found is None:
        return Check(report.findings)
    recorded = checks or attestation.checks_folder(found.folder)
    for name, files in found.runs.items():
        _check_runs(name, files, found, report)
    duplicates.check(found.folder, found.submission, report)
    duplicates.check_recorded(found.submission, found.hashes, recorded, report)
    if not report.failed:
        _check_claims(found, report)
    attested = {}
    for name, path in _vector_files(vectors, found, report).items():
        if (checked := _check_vectors(name, path, found, recorded, report)) is not None:
            attested[name] = checked
    return Check(report.findings, {} if report.failed else attested, found)


def _check_runs(name: str, files: dict[Setting, Path], found: Inspected, report: Report) -> None:
    data = suite_data.load(name)
    depth = found.submission.suites[name].depth or 1
    judged = run_files.settings(data)
    for setting, path in files.items():
        run_files.read(path, setting, judged[setting], data, depth, report, f"{path.parent.name}/{path.name}")


def _check_claims(found: Inspected, report: Report) -> None:
    for name, handed in found.submission.suites.items():
        if not handed.claimed:
            continue
        for claim in claims(handed, scored(found, name)):
            if not claim.confirmed:
                now = "no such score" if claim.recomputed is None else f"{claim.recomputed:.5f}"
                report.warning(
                    "claim",
                    schema.FILE,
                    f"{name}: claimed {claim.score} is {claim.claimed:.5f}, recomputed: {now}",
                    "Boards show the recomputed score and say that the claim was not confirmed.",
                )


def _vector_files(given: Sequence[Path], found: Inspected, report: Report) -> dict[str, Path]:
    """Suite to its file of vectors, known by its name."""
    files = {f"{schema.stem(name)}{vector_file.SUFFIX}": name for name in found.submission.suites if suite_data.known(name)}
    chosen: dict[str, Path] = {}
    for path in given:
        inside = [path / file for file in files if (path / file).is_file()] if path.is_dir() else [path]
        known = [file for file in inside if file.name in files]
        if not known or len(known) < len(inside):
            report.error(
                "vectors-file",
                quoted(path.name)[1:-1],
                "it is not, or does not hold, vectors of a suite of this submission",
                f"They are called {' or '.join(sorted(files)) or 'after a suite'}.",
            )
        chosen |= {files[file.name]: file for file in known}
    return chosen


def _check_vectors(name: str, path: Path, found: Inspected, checks: Path, report: Report) -> Attested | None:
    """Recompute the ranks of a suite from its vectors and compare them to the last one."""
    handed = found.submission.suites[name]
    data = suite_data.load(name)
    file = path.name
    if not data.suite.pooled or handed.kind == "runs" or handed.depth is not None:
        report.error("vectors-file", file, f"vectors are compared with ranks of whole pools, which {name} does not have here")
        return None
    try:
        digest = untrusted.sha256(path, vector_file.LIMIT)
    except Refused as refused:
        report.error(refused.rule, file, refused.message, refused.remedy)
        return None
    if handed.vectors is None or digest != handed.vectors.sha256 or path.stat().st_size != handed.vectors.bytes:
        report.error(
            "vectors-hash", file, f"it is not the file that {schema.FILE} names for {name}", "Hand in the file that was packed."
        )
    vectors = vector_file.read(path, data, report, file)
    if vectors is None or not vector_file.check_values(vectors, data, found.submission.card.similarity, report, file):
        return None
    if (stated := found.submission.card.dimension) != (given := next(iter(vectors.values())).shape[1]):
        report.error("vectors-file", file, f"its vectors have dimension {given}, and the card says {stated}")
    sketch = ranking.sketch(vectors)
    _check_vector_duplicates(name, digest, sketch, found, checks, report, file)
    if name not in found.tables:
        return None
    _compare(found.tables[name], ranking.ranks_of(vectors, data), report, file)
    return Attested(level="vectors re-scored", ranks=found.handed_hash(name), vectors=digest, sketch=tuple(sketch))


def _check_vector_duplicates(
    name: str, digest: str, sketch: list[float], found: Inspected, checks: Path, report: Report, file: str
) -> None:
    for other, recorded in attestation.others(checks, found.submission).items():
        theirs = recorded.suites.get(name)
        if theirs is None:
            continue
        nearest = max(abs(a - b) for a, b in zip(sketch, theirs.sketch, strict=True))
        if digest == theirs.vectors or nearest <= _SAME_COSINE:
            tell = report.warning if other.startswith(f"{found.folder.parent.name}/") else report.error
            same = "the same vectors as" if digest == theirs.vectors else "nearly the same vectors as"
            tell("duplicate", file, f"it holds {same} {other}", "Hand in an encoder of your own.")


def _compare(handed: RankTable, recomputed: RankTable, report: Report, file: str) -> None:
    for language, theirs in handed.ranks.by_language.items():
        ours = recomputed.ranks.by_language[language]
        every = np.arange(len(theirs.query_ids), dtype=np.int32)
        compared = [
            ("ranks", theirs.query, theirs.rank, ours.rank),
            ("ranks among all", theirs.query, theirs.rank_all, ours.rank_all),
        ]
        if language in recomputed.same_language:
            compared.append(("same20", every, handed.same_language[language], recomputed.same_language[language]))
        for what, query, one, other in compared:
            different = np.flatnonzero(one != other)
            if len(different):
                first = int(different[0])
                report.error(
                    "vectors-ranks",
                    file,
                    f"{len(different)} of {len(one)} {what} of the queries in {language} are not those that the vectors give, "
                    f"first of query {quoted(theirs.query_ids[query[first]])}: {one[first]}, and the vectors give {other[first]}",
                    "Are the vectors in the suite's order, and those that the ranks were computed from?",
                )
