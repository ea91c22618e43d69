"""Inspection of a submission: validates every file in its folder and parses the valid ones."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions import checksums
from hybrid_bench.submissions.checksums import MAX_FILES, SUMS, display_name
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_table, rank_table_reader, run_files, schema, texts, untrusted
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.rank_table import RankTable
from hybrid_bench.submissions.format.schema import Submission, SuiteEntry
from hybrid_bench.submissions.format.untrusted import RejectedFile

if TYPE_CHECKING:
    from hybrid_bench.datasets.settings import Setting
    from hybrid_bench.submissions.format.expected import SuiteData

_CARD_LIMIT = 64 << 10


@dataclass
class Inspection:
    """The parsed content of a submission.

    Attributes:
        folder: absolute path, ``.../<org>__<name>/<revision>``.
        submission: the content of submission.toml.
        tables: suite to rank table; tables that cannot be parsed are left out.
        runs: suite to run files, by setting; they are parsed when they are scored.
        hashes: file to sha256.
    """

    folder: Path
    submission: Submission
    tables: dict[str, RankTable] = field(default_factory=dict)
    runs: dict[str, dict[Setting, Path]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

    def entry_hash(self, suite: str) -> str:
        """See :func:`checksums.entry_hash`."""
        return checksums.entry_hash(self.hashes, self.submission, suite)

    @property
    def whole_hash(self) -> str:
        """See :func:`checksums.whole_hash`."""
        return checksums.whole_hash(self.hashes)


def inspect(folder: Path, report: Report) -> Inspection | None:
    """Parse a submission and report all findings; None if submission.toml is invalid."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  # resolve() would follow links
    names = untrusted.listing(folder, report, limit=MAX_FILES)
    if names is None:
        return None
    if folder.parent.is_symlink():
        report.error("folder", ".", "the parent folder is a link", "Replace the link with the folder itself.")
    submission = _card(folder / schema.FILE, report)
    files = checksums.list_files(folder, names, report)
    hashes = checksums.hash_files(folder, files, report)
    checksums.check_sums(folder, hashes, report)
    if submission is None:
        return None
    _check_names(folder, submission, report)
    found = Inspection(folder, submission, hashes=hashes)
    allowed = {schema.FILE, SUMS}
    for name, entry in submission.suites.items():
        allowed |= _suite(found, name, entry, report)
    for name in files:
        if name not in allowed:
            report.error("folder", display_name(name), "unexpected file: submission.toml does not require it", "Remove it.")
    return found


def read_card(path: Path) -> Submission:
    """Read a submission.toml.

    Raises:
        HybridBenchError: if it is invalid, with the first finding.
    """
    report = Report()
    found = _card(path, report)
    if found is None:
        first = report.findings[0]
        raise HybridBenchError(f"{path}: {first.message}", first.remedy)
    return found


def _card(path: Path, report: Report) -> Submission | None:
    try:
        fields = untrusted.table(untrusted.content(path, _CARD_LIMIT), schema.FILE)
    except RejectedFile as rejected:
        report.error(rejected.rule, schema.FILE, rejected.message, rejected.remedy)
        return None
    try:
        return Submission.model_validate(fields)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            _report_field(found, report)
        return None


def _report_field(found: Any, report: Report) -> None:
    """Report one validation error of pydantic."""
    where = ".".join(quoted(part)[1:-1] for part in found["loc"]) or "submission"
    cause = found.get("ctx", {}).get("error")
    rule = cause.rule if isinstance(cause, texts.TextError) else "schema"
    message = str(cause) if isinstance(cause, texts.TextError) else str(found["msg"])
    if rule == "schema" and where in ("org", "name", "revision"):
        rule = "name"
    if found["type"] == "missing" or found["type"] == "extra_forbidden":
        remedy = "leaderboards/README.md describes every field."
    else:
        remedy = "Fill it in." if rule == "placeholder" else ""
    report.error(rule, schema.FILE, f"{where}: {message}", remedy)


def _check_names(folder: Path, submission: Submission, report: Report) -> None:
    actual = f"{folder.parent.name}/{folder.name}"
    if actual != submission.folder:
        report.error(
            "name",
            schema.FILE,
            f"org, name and revision state {submission.folder}, but the folder is {quoted(actual)}",
            f"Move it to {submission.folder}.",
        )


def _suite(found: Inspection, name: str, entry: SuiteEntry, report: Report) -> set[str]:
    """Check a suite entry and parse its files; returns the names of the files that it may have."""
    if not suite_data.known(name):
        report.error("suite", schema.FILE, f"{quoted(name)} does not accept submissions")
        return set()
    data = suite_data.load(name)
    if entry.data != data.digest:
        report.error(
            "suite",
            schema.FILE,
            f"{name} has other texts or judgements in the installed version (data = {data.digest[:12]}...)",
            "Evaluate with the installed version and pack again.",
        )
    if entry.passage_text != "sentence" and not (data.pooled and data.suite.modalities == {"text"}):
        report.error("suite", schema.FILE, f"passages of {name} have no paragraph: passage_text must be 'sentence'")
    if entry.features and "image" not in data.suite.modalities:
        report.error("suite", schema.FILE, f"{name} has no images that features could stand for", "Remove features.")
    if entry.kind == "runs":
        return _runs(found, name, data, report)
    return _ranks(found, name, entry, data, report)


def _runs(found: Inspection, name: str, data: SuiteData, report: Report) -> set[str]:
    folder = f"{schema.stem(name)}{run_files.SUFFIX}"
    files = {f"{folder}/{file}": setting for file, setting in run_files.file_names(data).items()}
    for missing in sorted(files.keys() - found.hashes.keys()):
        report.error("coverage", missing, "this run is missing")
    found.runs[name] = {setting: found.folder / file for file, setting in files.items() if file in found.hashes}
    return set(files)


def _ranks(found: Inspection, name: str, entry: SuiteEntry, data: SuiteData, report: Report) -> set[str]:
    file = f"{schema.stem(name)}{rank_table.SUFFIX}"
    if file not in found.hashes:
        report.error("coverage", file, f"the ranks on {name} are missing")
        return {file}
    try:
        packed = untrusted.unpacked(found.folder / file, rank_table.PACKED_LIMIT, rank_table.unpacked_limit(data))
        text = untrusted.text(b"".join(packed))
    except RejectedFile as rejected:
        report.error(rejected.rule, file, rejected.message, rejected.remedy)
        return {file}
    pool_dependent = found.submission.card.pool_dependent
    table = rank_table_reader.parse(text, data, entry.depth, report, file, pool_dependent=pool_dependent)
    if table is not None:
        found.tables[name] = table
    return {file}
