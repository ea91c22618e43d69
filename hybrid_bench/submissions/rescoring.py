"""Re-scoring of submissions: all scores are recomputed from the submitted ranks or runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.assemble import Evidence, SearcherIdentity, assemble
from hybrid_bench.measures.run_scores import score_run
from hybrid_bench.measures.scores import score_ranks
from hybrid_bench.results.parts import Score
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.record import Result
from hybrid_bench.submissions import attestation, similarity
from hybrid_bench.submissions.attestation import Attestation
from hybrid_bench.submissions.checksums import folder_hash
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import run_files
from hybrid_bench.submissions.format.findings import Finding, InvalidSubmission, Report
from hybrid_bench.submissions.format.schema import Level, Submission, SuiteEntry
from hybrid_bench.submissions.inspection import Inspection, inspect

if TYPE_CHECKING:
    from hybrid_bench.submissions.format.expected import SuiteData
    from hybrid_bench.submissions.format.rank_table import RankTable

#: Maximum difference between a claimed and the recomputed score.
CLAIM_TOLERANCE = 1e-4
_CUT = (
    "RankDistance and PEER are omitted: they need the rank of every relevant passage, and the runs are cut at {depth} passages."
)
#: The note on results that were not computed in fp32.
_DTYPE = "Vectors were computed in {dtype}, not in fp32."
#: The note on results of which no image was read.
_FEATURES = "Images were not read: precomputed features, sha256 {sha256}."
_COMMAND = "hybrid-bench leaderboard build"
_NEED_EVERY_RANK = {"RankDistance", "RankDistance(median)", "PEER"}


@dataclass(frozen=True)
class Claim:
    """A score claimed by the submitter and the recomputed one.

    Attributes:
        score: "<setting> <measure>".
        claimed: the value in submission.toml.
        recomputed: the mean over the settings of that kind; None if there is no such score.
    """

    score: str
    claimed: float
    recomputed: float | None

    @property
    def confirmed(self) -> bool:
        """Whether both are equal to 1e-4; relative to the recomputed score if that is above 1, as for rank distances."""
        if self.recomputed is None:
            return False
        return abs(self.claimed - self.recomputed) <= CLAIM_TOLERANCE * max(1.0, abs(self.recomputed))


@dataclass(frozen=True)
class Rescored:
    """A submission with its recomputed scores.

    Attributes:
        submission: the content of submission.toml; untrusted text, to be escaped on output.
        results: suite to result; with ``ranks`` if ranks were submitted.
        levels: suite to verification level.
        claims: suite to claimed scores.
        content_hash: see :func:`content_hash`.
        signatures: suite to the ``similarity.Ranked.signature`` of its ranks or runs.
        ranks_only: suites whose attestation is of an earlier version, which did not record the whole submission.
    """

    submission: Submission
    results: dict[str, Result]
    levels: dict[str, Level]
    claims: dict[str, list[Claim]]
    content_hash: str
    ranks_only: frozenset[str] = frozenset()
    signatures: dict[str, tuple[float, ...]] = field(default_factory=dict)


def rescore(folder: Path | str, *, checks: Path | None = None) -> Rescored:
    """Recompute all scores of a submission.

    Args:
        folder: ``.../submissions/<org>__<name>/<revision>``.
        checks: folder of attestations; defaults to ``checks/`` next to ``submissions/``.

    Raises:
        InvalidSubmission: if the submission has errors.
        HybridBenchError: if the data of a suite cannot be obtained.
    """
    report = Report()
    found = inspect(Path(folder), report)
    if found is None or report.failed:
        raise InvalidSubmission(Path(folder), report.findings)
    recorded = checks or attestation.checks_folder(found.folder)
    levels = _attestation(recorded, found)
    results = {name: scored(found, name) for name in found.submission.suites}
    return Rescored(
        submission=found.submission,
        results=results,
        levels={name: levels.level(name, found.entry_hash(name), found.whole_hash) for name in results},
        ranks_only=frozenset(
            name
            for name in results
            if (valid := levels.valid(name, found.entry_hash(name), found.whole_hash)) and not valid.submission
        ),
        claims={name: claims(entry, results[name]) for name, entry in found.submission.suites.items()},
        content_hash=content_hash(found.folder, checks=recorded),
        signatures={
            name: tuple(round(float(value), 5) for value in of_suite.signature())
            for name, entry in found.submission.suites.items()
            if (of_suite := similarity.ranked(found.folder, name, entry))
        },
    )


def _attestation(checks: Path, found: Inspection) -> Attestation:
    try:
        return attestation.read(checks, found.submission)
    except HybridBenchError as error:
        finding = Finding("attestation", attestation.path(checks, found.submission).name, "error", error.problem, error.remedy)
        raise InvalidSubmission(found.folder, [finding]) from error


def content_hash(folder: Path, *, checks: Path | None = None) -> str:
    """sha256 of a submission's files and its attestation; cheap, because nothing is scored.

    Raises:
        InvalidSubmission: if the folder cannot be read.
    """
    digest = hashlib.sha256(folder_hash(folder).encode())
    record = (checks or attestation.checks_folder(folder)) / folder.absolute().parent.name / f"{folder.absolute().name}.toml"
    if record.is_file():
        digest.update(record.read_bytes())
    return digest.hexdigest()


def scored(found: Inspection, name: str) -> Result:
    """Score one suite of a submission without errors."""
    data = suite_data.load(name)
    submission, entry = found.submission, found.submission.suites[name]
    identity = SearcherIdentity(
        card={"name": submission.title, "revision": submission.revision} | _card_fields(submission),
        fingerprint=found.entry_hash(name),
        passage_text=entry.passage_text,
        dtype=entry.dtype or ("fp16" if entry.vectors else "fp32"),
        device="any",
    )
    table = found.tables.get(name)
    evidence = _of_table(table, data, entry.depth) if table else _of_runs(data, _run_rows(found, name), entry.depth)
    notes = [] if entry.dtype in (None, "fp32") else [_DTYPE.format(dtype=entry.dtype)]
    notes += [_FEATURES.format(sha256=entry.features[:16])] if entry.features else []
    evidence = replace(evidence, notes=[*evidence.notes, *notes])
    return assemble(data.suite, identity, evidence, command=_COMMAND)


def scored_table(table: RankTable, data: SuiteData, depth: int | None = None) -> Result:
    """Score a rank table; the result names no encoder."""
    identity = SearcherIdentity(card={"name": "anonymous"}, fingerprint="", device="any")
    return assemble(data.suite, identity, _of_table(table, data, depth), command=_COMMAND)


def _of_table(table: RankTable, data: SuiteData, depth: int | None) -> Evidence:
    rows, notes = score_ranks(data.suite, table.ranks, table.group_counts(), data.measures)
    if table.cut():
        return _of_runs(data, [row for row in rows if row.measure not in _NEED_EVERY_RANK], depth, table.ranks)
    return Evidence(rows, notes, {}, {"all": data.digest}, table.ranks, write_ranks=False, depth=depth)


def _of_runs(data: SuiteData, rows: list[Score], depth: int | None, ranks: Ranks | None = None) -> Evidence:
    """Scores of runs cut at a depth, without measures that need the rank of every relevant passage."""
    notes = [data.suite.note] if data.suite.note else []
    notes += [_CUT.format(depth=depth)] if data.pooled else []
    return Evidence(rows, notes, {}, {"all": data.digest}, ranks, write_ranks=False, depth=depth)


def _run_rows(found: Inspection, name: str) -> list[Score]:
    data = suite_data.load(name)
    judged = run_files.settings(data)
    report = Report()
    rows: list[Score] = []
    for setting, path in found.runs[name].items():
        depth = found.submission.suites[name].depth or 1
        run = run_files.read(path, setting, judged[setting], data, depth, report, f"{path.parent.name}/{path.name}")
        if report.failed:
            raise InvalidSubmission(found.folder, report.findings)
        rows += score_run(data.suite, setting, judged[setting], run, data.measures)
    return rows


def _card_fields(submission: Submission) -> dict[str, Any]:
    return submission.card.model_dump(mode="json", exclude_none=True)


def claims(entry: SuiteEntry, result: Result) -> list[Claim]:
    """The claimed scores of a suite and the recomputed ones."""
    means = mean_scores(result)
    return [Claim(score, value, means.get(score)) for score, value in entry.claimed.items()]


def mean_scores(result: Result) -> dict[str, float]:
    """``"<setting> <measure>"`` to the mean over the settings of that kind."""
    values: dict[str, list[float]] = {}
    for row in result.rows:
        values.setdefault(f"{row.setting} {row.measure}", []).append(row.value)
    return {score: sum(found) / len(found) for score, found in values.items()}
