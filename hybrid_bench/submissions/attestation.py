"""What maintainers found: which ranks were compared with which vectors. Kept outside the submitter's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions.format.schema import Level, Sha256, Submission
from hybrid_bench.support import atomic, toml

_HEAD = (
    "# Written by `hybrid-bench submit check --record` and `hybrid-bench submit rerun --record`; void once the ranks change.\n"
)


class Attested(BaseModel):
    """One suite of a submission, checked against vectors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["vectors re-scored", "re-run"]
    #: of what was handed in, see ``Inspected.handed_hash``
    ranks: Sha256
    #: of the file of vectors; empty if the encoder was run and its vectors were not kept
    vectors: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    #: see ``ranking.sketch``
    sketch: Annotated[tuple[float, ...], Field(min_length=64, max_length=64)]


class Attestation(BaseModel):
    """A file of ``checks/``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suites: dict[str, Attested] = {}

    def level(self, suite: str, ranks: str) -> Level:
        """How far a suite was checked, if its ranks are still those that were."""
        attested = self.suites.get(suite)
        return attested.level if attested and attested.ranks == ranks else "ranks re-scored"

    def to_toml(self) -> str:
        """The file's text."""
        parts = [_HEAD]
        for name, attested in sorted(self.suites.items()):
            values = ", ".join(f"{value:.4f}" for value in attested.sketch)
            parts.append(
                f'\n[suites."{name}"]\nlevel = "{attested.level}"\nranks = "{attested.ranks}"\n'
                f'vectors = "{attested.vectors}"\nsketch = [{values}]\n'
            )
        return "".join(parts)


def checks_folder(folder: Path) -> Path:
    """Where the attestations are that belong to a submission: ``checks/`` beside ``submissions/``."""
    return folder.absolute().parent.parent.parent / "checks"


def path(checks: Path, submission: Submission) -> Path:
    """The file of a submission."""
    return checks / f"{submission.folder}.toml"


def read(checks: Path, submission: Submission) -> Attestation:
    """What was recorded of a submission; empty if nothing was."""
    return _read(path(checks, submission))


def _read(file: Path) -> Attestation:
    if not file.is_file():
        return Attestation()
    try:
        return Attestation.model_validate(toml.load(file))
    except ValidationError as error:
        raise HybridBenchError(f"{file} is not an attestation: {error.errors()[0]['msg']}", "Record it again.") from error


def others(checks: Path, submission: Submission) -> dict[str, Attestation]:
    """``<org>__<name>/<revision>`` to what was recorded of every other submission."""
    found = {f"{file.parent.name}/{file.stem}": file for file in sorted(checks.glob("*/*.toml"))}
    return {name: _read(file) for name, file in found.items() if name != submission.folder}


def record(checks: Path, submission: Submission, suites: dict[str, Attested]) -> Path:
    """Add what was found to a submission's file; returns its path."""
    target = path(checks, submission)
    merged = {name: attested for name, attested in read(checks, submission).suites.items() if name in submission.suites}
    for name, attested in suites.items():
        before = merged.get(name)
        # Comparing the vectors of what was re-run already takes nothing away from it.
        if before and before.level == "re-run" and before.ranks == attested.ranks and attested.level != "re-run":
            attested = attested.model_copy(update={"level": "re-run"})
        merged[name] = attested
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(target, Attestation(suites=merged).to_toml().encode())
    return target
