"""What is wrong with a submission: a finding a rule and file, all of them in one go."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]

#: Findings of one rule in one file that are listed; of the others only the number is told.
LISTED = 5
#: Characters of a stranger's text that a message quotes.
_QUOTED = 60

#: What every rule asks for. A finding names one of these.
RULES = {
    "folder": "a submission is a folder <org>__<name>/<revision> of plain files; it holds no links and nothing else",
    "size": "every file is below its limit, packed and unpacked",
    "encoding": "text files are UTF-8 without control characters",
    "toml": "submission.toml is TOML, with every key once",
    "schema": "submission.toml has the fields of the schema and no others",
    "text": "texts hold no control, invisible or direction-changing characters and no markup",
    "placeholder": "nothing is left to be filled in",
    "name": "org, name and revision are those of the folder, and no other submission has a name that reads the same",
    "revision": "a revision that is published already does not change",
    "sums": "SHA256SUMS names every other file with its sha256, sorted, and nothing else",
    "suite": "a suite is one that boards exist for, on the texts that it has here",
    "gzip": "a packed file is one gzip stream, whole, with nothing after it",
    "table": "a table of ranks has its header and five columns a line",
    "coverage": "every query is there once, with a rank for every relevant passage, and no others",
    "ranks": "ranks are whole numbers that can be true together",
    "run": "a run is a TREC run in canonical order, cut at the depth that is stated",
    "claim": "a claimed score is the one that the ranks give, to 1e-4",
    "duplicate": "no other submission has the same ranks or the same vectors",
    "vectors-file": "vectors are a safetensors file of fp16 arrays, whose header is true",
    "vectors-hash": "vectors are the ones that submission.toml names",
    "vectors-values": "vectors are finite, not zero, and of unit length where the card says cosine",
    "vectors-ranks": "the ranks are those that the vectors give, to the last one",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        rule: a key of :data:`RULES`.
        file: path inside the submission, or of the file that was given beside it.
        severity: an error keeps a submission off the boards; a warning is shown.
        message: what is wrong and where.
        remedy: what to do about it.
    """

    rule: str
    file: str
    severity: Severity
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.severity}: {self.file}: {self.message} [{self.rule}]"
        return f"{text}\n  {self.remedy}" if self.remedy else text


@dataclass
class Report:
    """Collects findings; of many of one kind it keeps the first few and their number."""

    _found: list[Finding] = field(default_factory=list)
    _more: Counter[tuple[str, str]] = field(default_factory=Counter)

    def error(self, rule: str, file: str, message: str, remedy: str = "") -> None:
        """Something that keeps the submission off the boards."""
        self._add(Finding(rule, file, "error", message, remedy))

    def warning(self, rule: str, file: str, message: str, remedy: str = "") -> None:
        """Something that readers are told."""
        self._add(Finding(rule, file, "warning", message, remedy))

    def _add(self, finding: Finding) -> None:
        self._more[finding.rule, finding.file] += 1
        if self._more[finding.rule, finding.file] <= LISTED:
            self._found.append(finding)

    def full(self, rule: str, file: str) -> bool:
        """Whether more findings of a rule in a file would only be counted: then nobody needs to look for them."""
        return self._more[rule, file] > LISTED

    @property
    def findings(self) -> list[Finding]:
        """All of them, errors first."""
        found = list(self._found)
        for (rule, file), count in self._more.items():
            if count > LISTED:
                more = f"at least {count - LISTED} more of this kind"
                found.append(Finding(rule, file, "error", more))
        return sorted(found, key=lambda finding: finding.severity)

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(finding.severity == "error" for finding in self._found)


def quoted(text: object) -> str:
    """A stranger's text as a message may hold it: short, and with nothing that a terminal would obey."""
    shown = str(text)
    return ascii(shown if len(shown) <= _QUOTED else shown[:_QUOTED] + "...")


def as_json(findings: Iterable[Finding]) -> str:
    """The findings for a program to read."""
    return json.dumps([dataclasses.asdict(finding) for finding in findings], indent=1) + "\n"
