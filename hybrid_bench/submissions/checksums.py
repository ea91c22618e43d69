"""SHA256SUMS and other hashes of a submission's files."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from hybrid_bench.submissions.format import rank_table, run_files, schema, untrusted
from hybrid_bench.submissions.format.findings import InvalidSubmission, Report, quoted
from hybrid_bench.submissions.format.schema import Submission
from hybrid_bench.submissions.format.untrusted import RejectedFile
from hybrid_bench.support import atomic

SUMS = "SHA256SUMS"
#: Maximum number of files in a folder.
MAX_FILES = 400
_SUMS_LIMIT = 64 << 10
_SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._+/-]*)")


def seal(folder: Path) -> Path:
    """Rewrite SHA256SUMS after submission.toml was edited by hand; returns its path.

    Raises:
        InvalidSubmission: if the folder contains files that a submission cannot contain.
    """
    hashes = {name: digest for name, digest in all_hashes(folder).items() if name != SUMS}
    atomic.write(folder / SUMS, sums_text(hashes).encode())
    return folder / SUMS


def sums_text(hashes: dict[str, str]) -> str:
    """The content of SHA256SUMS, in the format of ``sha256sum --check``."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))


def folder_hash(folder: Path) -> str:
    """sha256 over the names and contents of all files of a submission.

    Raises:
        InvalidSubmission: if the folder contains files that a submission cannot contain.
    """
    return whole_hash(all_hashes(folder))


def whole_hash(hashes: dict[str, str]) -> str:
    """sha256 of a whole submission: card, suites and all files; what an attestation and the lock file are bound to."""
    return hashlib.sha256(sums_text(hashes).encode()).hexdigest()


def entry_hash(hashes: dict[str, str], submission: Submission, suite: str) -> str:
    """sha256 of a suite entry and its files, without claims and vectors: identifies the ranks that were verified."""
    first = schema.stem(suite)
    mine = {n: h for n, h in hashes.items() if n == first + rank_table.SUFFIX or n.startswith(f"{first}{run_files.SUFFIX}/")}
    entry = submission.suites[suite]
    # As before there were such fields, so that attestations stay valid.
    unstated = {name for name in ("dtype", "features") if getattr(entry, name) is None}
    stated = entry.model_dump_json(exclude={"claimed", "vectors"} | unstated)
    return hashlib.sha256("".join([stated, *(f"{h}  {n}\n" for n, h in sorted(mine.items()))]).encode()).hexdigest()


def all_hashes(folder: Path) -> dict[str, str]:
    """File of a submission to its sha256.

    Raises:
        InvalidSubmission: if the folder contains files that a submission cannot contain.
    """
    report = Report()
    names = untrusted.listing(folder, report, limit=MAX_FILES) or []
    hashes = hash_files(folder, list_files(folder, names, report), report)
    if report.failed:
        raise InvalidSubmission(folder, report.findings)
    return hashes


def list_files(folder: Path, names: list[str], report: Report) -> list[str]:
    """Expand the names in a folder to file paths inside it; only folders of runs are entered."""
    found = []
    for name in names:
        if name.endswith(run_files.SUFFIX) and not (folder / name).is_symlink() and (folder / name).is_dir():
            inner = untrusted.listing(folder / name, report, limit=MAX_FILES, label=display_name(name))
            if inner == []:
                report.error("folder", display_name(name), "an empty folder", "Remove it.")
            found += [f"{name}/{file}" for file in inner or ()]
        else:
            found.append(name)
    return found


def hash_files(folder: Path, files: list[str], report: Report) -> dict[str, str]:
    """File to sha256; files that cannot be read are reported and left out."""
    hashes = {}
    for name in files:
        try:
            hashes[name] = untrusted.sha256(folder / name, run_files.PACKED_LIMIT)
        except RejectedFile as rejected:
            report.error(rejected.rule, display_name(name), rejected.message, rejected.remedy)
    return hashes


def check_sums(folder: Path, hashes: dict[str, str], report: Report) -> None:
    """Compare SHA256SUMS with the files of a submission."""
    remedy = "Rewrite it: hybrid-bench submit seal FOLDER"
    try:
        text = untrusted.text(untrusted.content(folder / SUMS, _SUMS_LIMIT))
    except RejectedFile as rejected:
        report.error(rejected.rule, SUMS, rejected.message, rejected.remedy or remedy)
        return
    stated: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        match = _SUM.fullmatch(line)
        if match is None or match[2] in stated:
            report.error("sums", SUMS, f"line {number}: expected a sha256, two spaces and a unique file name", remedy)
        else:
            stated[match[2]] = match[1]
    actual = {name: digest for name, digest in hashes.items() if name != SUMS}
    for name in sorted(stated.keys() | actual.keys()):
        if name not in stated:
            report.error("sums", display_name(name), f"not listed in {SUMS}", remedy)
        elif name not in actual:
            report.error("sums", display_name(name), f"listed in {SUMS}, but missing", remedy)
        elif stated[name] != actual[name]:
            report.error(
                "sums", display_name(name), f"the sha256 differs from {SUMS}", "Restore the packed file, or rewrite SHA256SUMS."
            )
    if text != sums_text(stated):
        report.error("sums", SUMS, "lines must be sorted by file name, each with a line feed", remedy)


def display_name(name: str) -> str:
    """A file name as shown in findings: quoted if it contains unusual characters."""
    return name if re.fullmatch(r"[A-Za-z0-9._+/-]{1,120}", name) else quoted(name)
