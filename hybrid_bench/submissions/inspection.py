"""Looking at everything in a submission's folder, and reading what is sound."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_table, run_files, schema, untrusted
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.rank_table import RankTable
from hybrid_bench.submissions.format.schema import Handed, Submission
from hybrid_bench.submissions.format.untrusted import Refused

if TYPE_CHECKING:
    from hybrid_bench.datasets.settings import Setting

SUMS = "SHA256SUMS"
_CARD_LIMIT = 64 << 10
_SUMS_LIMIT = 64 << 10
_MOST_FILES = 400
_SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._+/-]*)")


@dataclass
class Inspected:
    """What could be read of a submission.

    Attributes:
        folder: where it lies, ``.../<org>__<name>/<revision>``.
        submission: submission.toml.
        tables: suite to ranks; those that have errors are left out.
        runs: suite to the files of its runs, by setting; they are read where they are scored.
        hashes: file to sha256.
    """

    folder: Path
    submission: Submission
    tables: dict[str, RankTable] = field(default_factory=dict)
    runs: dict[str, dict[Setting, Path]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

    def handed_hash(self, suite: str) -> str:
        """sha256 of all that was handed in for a suite."""
        return handed_hash(self.hashes, self.submission, suite)


def handed_hash(hashes: dict[str, str], submission: Submission, suite: str) -> str:
    """sha256 of all that was handed in for a suite: what an attestation is bound to."""
    first = schema.stem(suite)
    mine = {n: h for n, h in hashes.items() if n == first + rank_table.SUFFIX or n.startswith(f"{first}{run_files.SUFFIX}/")}
    stated = submission.suites[suite].model_dump_json(exclude={"claimed", "vectors"})
    return hashlib.sha256("".join([stated, *(f"{h}  {n}\n" for n, h in sorted(mine.items()))]).encode()).hexdigest()


def inspect(folder: Path, report: Report) -> Inspected | None:
    """Read a submission and tell all that is wrong with it; None if its card cannot be read."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  # resolve() would follow links
    names = untrusted.listing(folder, report, most=_MOST_FILES)
    if names is None:
        return None
    if folder.parent.is_symlink():
        report.error("folder", ".", "the folder above it is a link", "Put the folder itself there.")
    submission = _card(folder / schema.FILE, report)
    files = _files(folder, names, report)
    hashes = _hashes(folder, files, report)
    _check_sums(folder, hashes, report)
    if submission is None:
        return None
    _check_names(folder, submission, report)
    found = Inspected(folder, submission, hashes=hashes)
    allowed = {schema.FILE, SUMS}
    for name, handed in submission.suites.items():
        allowed |= _suite(found, name, handed, report)
    for name in files:
        if name not in allowed:
            report.error("folder", _shown(name), "nothing in submission.toml asks for this file", "Take it out.")
    return found


def read_card(path: Path) -> Submission:
    """Read a submission.toml.

    Raises:
        HybridBenchError: if it is not one; the first finding is told.
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
    except Refused as refused:
        report.error(refused.rule, schema.FILE, refused.message, refused.remedy)
        return None
    try:
        return Submission.model_validate(fields)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            _tell(found, report)
        return None


def _tell(found: Any, report: Report) -> None:
    where = ".".join(quoted(part)[1:-1] for part in found["loc"]) or "submission"
    cause = found.get("ctx", {}).get("error")
    rule = cause.rule if isinstance(cause, schema.TextError) else "schema"
    message = str(cause) if isinstance(cause, schema.TextError) else str(found["msg"])
    if rule == "schema" and where in ("org", "name", "revision"):
        rule = "name"
    if found["type"] == "missing" or found["type"] == "extra_forbidden":
        remedy = "Every field is described in leaderboards/README.md."
    else:
        remedy = "Fill it in." if rule == "placeholder" else ""
    report.error(rule, schema.FILE, f"{where}: {message}", remedy)


def _files(folder: Path, names: list[str], report: Report) -> list[str]:
    """Every file, as a path inside the submission; one folder deep."""
    found = []
    for name in names:
        if name.endswith(run_files.SUFFIX) and not (folder / name).is_symlink() and (folder / name).is_dir():
            inner = untrusted.listing(folder / name, report, most=_MOST_FILES, inside=_shown(name)) or []
            found += [f"{name}/{file}" for file in inner]
        else:
            found.append(name)
    return found


def _hashes(folder: Path, files: list[str], report: Report) -> dict[str, str]:
    hashes = {}
    for name in files:
        try:
            hashes[name] = untrusted.sha256(folder / name, run_files.PACKED_LIMIT)
        except Refused as refused:
            report.error(refused.rule, _shown(name), refused.message, refused.remedy)
    return hashes


def _check_sums(folder: Path, hashes: dict[str, str], report: Report) -> None:
    remedy = "Write it anew: hybrid-bench submit seal FOLDER"
    try:
        text = untrusted.text(untrusted.content(folder / SUMS, _SUMS_LIMIT))
    except Refused as refused:
        report.error(refused.rule, SUMS, refused.message, refused.remedy or remedy)
        return
    stated: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        match = _SUM.fullmatch(line)
        if match is None or match[2] in stated:
            report.error("sums", SUMS, f"line {number} is not a sha256, two spaces and a name that no other line has", remedy)
        else:
            stated[match[2]] = match[1]
    others = {name: digest for name, digest in hashes.items() if name != SUMS}
    for name in sorted(stated.keys() | others.keys()):
        if name not in stated:
            report.error("sums", _shown(name), f"{SUMS} does not name it", remedy)
        elif name not in others:
            report.error("sums", _shown(name), f"{SUMS} names it, and it is not there", remedy)
        elif stated[name] != others[name]:
            report.error("sums", _shown(name), f"its sha256 is not the one in {SUMS}", "Is it the file that was packed?")
    if text != sums_text(stated):
        report.error("sums", SUMS, "it is not sorted by name, with a line feed after each line", remedy)


def sums_text(hashes: dict[str, str]) -> str:
    """The content of SHA256SUMS; ``sha256sum --check`` reads it too."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))


def seal(folder: Path) -> Path:
    """Write SHA256SUMS anew, after submission.toml was edited by hand; returns its path.

    Raises:
        HybridBenchError: if the folder holds what no submission can hold.
    """
    from hybrid_bench.support import atomic

    hashes = {name: digest for name, digest in all_hashes(folder).items() if name != SUMS}
    atomic.write(folder / SUMS, sums_text(hashes).encode())
    return folder / SUMS


def inspected_hash(folder: Path) -> str:
    """sha256 of every file of a submission, with its name.

    Raises:
        HybridBenchError: if the folder holds what no submission can hold.
    """
    return hashlib.sha256(sums_text(all_hashes(folder)).encode()).hexdigest()


def all_hashes(folder: Path) -> dict[str, str]:
    """File of a submission to its sha256.

    Raises:
        HybridBenchError: if the folder holds what no submission can hold.
    """
    report = Report()
    names = untrusted.listing(folder, report, most=_MOST_FILES) or []
    hashes = _hashes(folder, _files(folder, names, report), report)
    if report.failed:
        first = report.findings[0]
        raise HybridBenchError(f"{folder}: {first.file}: {first.message} [{first.rule}]", first.remedy)
    return hashes


def _check_names(folder: Path, submission: Submission, report: Report) -> None:
    lies_in = f"{folder.parent.name}/{folder.name}"
    if lies_in != submission.folder:
        report.error(
            "name",
            schema.FILE,
            f"it says {submission.folder}, and it lies in {quoted(lies_in)}",
            f"Put it into a folder {submission.folder}.",
        )


def _suite(found: Inspected, name: str, handed: Handed, report: Report) -> set[str]:
    """Read what was handed in for a suite; the names of the files that may be there for it."""
    first = schema.stem(name)
    if not suite_data.known(name):
        report.error("suite", schema.FILE, f"there are no boards for {quoted(name)}")
        return set()
    data = suite_data.load(name)
    if handed.data != data.digest:
        report.error(
            "suite",
            schema.FILE,
            f"{name} has other texts or judgements here (data = {data.digest[:12]}...)",
            "Evaluate on the suite as this version has it, and pack again.",
        )
    if handed.passage_text != "sentence" and not data.pooled:
        report.error("suite", schema.FILE, f"passages of {name} have no paragraph: passage_text is 'sentence'")
    if handed.kind == "runs":
        files = {f"{first}{run_files.SUFFIX}/{file}": setting for file, setting in run_files.file_names(data).items()}
        for missing in sorted(files.keys() - found.hashes.keys()):
            report.error("coverage", missing, "this run is missing")
        found.runs[name] = {setting: found.folder / file for file, setting in files.items() if file in found.hashes}
        return set(files)
    file = first + rank_table.SUFFIX
    if file not in found.hashes:
        report.error("coverage", file, f"the ranks on {name} are missing")
        return {file}
    try:
        packed = untrusted.unpacked(found.folder / file, rank_table.PACKED_LIMIT, rank_table.unpacked_limit(data))
        text = untrusted.text(b"".join(packed))
    except Refused as refused:
        report.error(refused.rule, file, refused.message, refused.remedy)
        return {file}
    table = rank_table.parse(text, data, handed.depth, report, file)
    if table is not None:
        found.tables[name] = table
    return {file}


def _shown(name: str) -> str:
    """A file's name as a finding may show it."""
    return name if re.fullmatch(r"[A-Za-z0-9._+/-]{1,120}", name) else quoted(name)
