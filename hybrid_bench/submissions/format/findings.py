"""Findings of a submission check: one per violation of a rule in a file, all collected in one pass."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hybrid_bench.errors import HybridBenchError

Severity = Literal["error", "warning"]

#: Findings listed per rule and file; further ones are only counted.
LISTED = 5
#: Maximum number of characters of untrusted text that a message quotes.
_QUOTED = 60

#: Rule id to its requirement. Every finding has one of these ids.
RULES = {
    "folder": "a submission is a folder <org>__<name>/<revision> of regular files, without links or unexpected files",
    "size": "every file is within its size limit, both packed and unpacked",
    "encoding": "text files are UTF-8 without control characters",
    "toml": "submission.toml is valid TOML without duplicate keys",
    "schema": "submission.toml has the fields of the schema and no others",
    "text": "texts contain no control, invisible or bidirectional characters and no markup",
    "placeholder": "no field contains a placeholder",
    "name": "org, name and revision match the folder, and no other submission has a confusable name",
    "revision": "a published revision does not change",
    "sums": "SHA256SUMS lists every other file with its sha256, sorted by name, and nothing else",
    "suite": "the suite accepts submissions, and its texts and judgements are those of the installed version",
    "gzip": "a .gz file is exactly one complete gzip stream",
    "table": "a rank table has the expected header, five columns per line and sorted lines",
    "coverage": "every query occurs exactly once, with one rank per relevant passage, and there are no other queries",
    "ranks": "ranks are integers that are consistent with each other",
    "run": "a run is a TREC run in canonical order, cut at the stated depth",
    "claim": "a claimed score equals the recomputed score to 1e-4",
    "suspicious": "mean AP is at most 0.98, and passages are not grouped by question; a warning, for a maintainer to re-run it",
    "duplicate": (
        "no other submission has nearly the same ranks, runs or vectors; of the same organisation, which may train encoders "
        "alike, it is a warning unless noise would explain the difference"
    ),
    "vectors-file": "vectors are a safetensors file of fp16 arrays with a valid header",
    "vectors-hash": "the vectors file is the one that submission.toml names",
    "vectors-values": "vectors are finite, non-zero, and of unit length if the card states cosine similarity",
    "vectors-ranks": "the vectors reproduce every rank exactly",
    "attestation": "the attestation of a submission is a valid file",
}


@dataclass(frozen=True)
class Finding:
    """One violation of a rule.

    Attributes:
        rule: a key of :data:`RULES`.
        file: path inside the submission, ``.`` for the submission itself, or the name of a file given with it.
        severity: an error excludes the submission from the leaderboards; a warning is only shown.
        message: what is wrong and where.
        remedy: how to fix it.
    """

    rule: str
    file: str
    severity: Severity
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.severity}: {self.file}: {self.message} [{self.rule}]"
        return f"{text}\n  {self.remedy}" if self.remedy else text

    def of(self, folder: Path) -> str:
        """The finding as text; one on the submission itself names its folder."""
        return str(dataclasses.replace(self, file=str(folder)) if self.file == "." else self)


class InvalidSubmission(HybridBenchError):
    """A submission that cannot be scored, with its findings; others are not affected.

    Args:
        folder: the submission.
        findings: at least one error.
    """

    def __init__(self, folder: Path, findings: Sequence[Finding]) -> None:
        first = findings[0]
        where = folder if first.file == "." else f"{folder}: {first.file}"
        super().__init__(
            f"{where}: {first.message} [{first.rule}]",
            " ".join(filter(None, (first.remedy, f"Run: hybrid-bench submit check {folder}"))),
        )
        self.findings = tuple(findings)


@dataclass
class Report:
    """Collects findings; of many findings of one rule in one file it keeps the first few and a count."""

    _found: list[Finding] = field(default_factory=list)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def error(self, rule: str, file: str, message: str, remedy: str = "") -> None:
        """Add a finding that excludes the submission from the leaderboards."""
        self._add(Finding(rule, file, "error", message, remedy))

    def warning(self, rule: str, file: str, message: str, remedy: str = "") -> None:
        """Add a finding that is only shown."""
        self._add(Finding(rule, file, "warning", message, remedy))

    def _add(self, finding: Finding) -> None:
        self._counts[finding.rule, finding.file] += 1
        if self._counts[finding.rule, finding.file] <= LISTED:
            self._found.append(finding)

    def full(self, rule: str, file: str) -> bool:
        """Whether further findings of a rule in a file would only be counted, so that the search for them can stop."""
        return self._counts[rule, file] > LISTED

    @property
    def findings(self) -> list[Finding]:
        """All findings, errors first."""
        found = list(self._found)
        for (rule, file), count in self._counts.items():
            if count > LISTED:
                severity = min(one.severity for one in self._found if (one.rule, one.file) == (rule, file))
                found.append(Finding(rule, file, severity, f"at least {count - LISTED} more findings of this rule"))
        return sorted(found, key=lambda finding: finding.severity)

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(finding.severity == "error" for finding in self._found)


def quoted(text: object) -> str:
    """Quote untrusted text for a message: ASCII only, truncated, without control characters."""
    shown = str(text)
    return ascii(shown if len(shown) <= _QUOTED else shown[:_QUOTED] + "...")


def as_json(found: Mapping[Path, Iterable[Finding]]) -> str:
    """Serialize findings as JSON: a list with the folder and the fields of each."""
    rows = [{"folder": str(folder), **dataclasses.asdict(one)} for folder, findings in found.items() for one in findings]
    return json.dumps(rows, indent=1) + "\n"
