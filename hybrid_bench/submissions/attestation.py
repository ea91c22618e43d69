"""Attestations: records of which ranks were verified against which vectors, kept outside the submission's folder."""

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


class AttestedSuite(BaseModel):
    """A suite of a submission whose ranks were verified."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["vectors re-scored", "re-run"]
    #: sha256 of the verified suite entry, see ``checksums.entry_hash``
    ranks: Sha256
    #: sha256 of the vectors file; empty if the encoder was re-run and its vectors were not kept
    vectors: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    #: see ``ranking.sketch``
    sketch: Annotated[tuple[float, ...], Field(min_length=64, max_length=64)]


class Attestation(BaseModel):
    """A file of ``checks/``: the verified suites of one submission."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suites: dict[str, AttestedSuite] = {}

    def level(self, suite: str, ranks: str) -> Level:
        """Verification level of a suite; an attestation counts only if the ranks have not changed since."""
        attested = self.suites.get(suite)
        return attested.level if attested and attested.ranks == ranks else "ranks re-scored"

    def to_toml(self) -> str:
        """Serialize as TOML."""
        parts = [_HEAD]
        for name, attested in sorted(self.suites.items()):
            values = ", ".join(f"{value:.4f}" for value in attested.sketch)
            parts.append(
                f'\n[suites."{name}"]\nlevel = "{attested.level}"\nranks = "{attested.ranks}"\n'
                f'vectors = "{attested.vectors}"\nsketch = [{values}]\n'
            )
        return "".join(parts)


def checks_folder(folder: Path) -> Path:
    """The default folder of attestations for a submission: ``checks/`` next to ``submissions/``."""
    return folder.absolute().parent.parent.parent / "checks"


def path(checks: Path, submission: Submission) -> Path:
    """The attestation file of a submission."""
    return checks / f"{submission.folder}.toml"


def read(checks: Path, submission: Submission) -> Attestation:
    """Read the attestation of a submission; empty if there is none."""
    return _read(path(checks, submission))


def _read(file: Path) -> Attestation:
    if not file.is_file():
        return Attestation()
    try:
        return Attestation.model_validate(toml.load(file))
    except ValidationError as error:
        raise HybridBenchError(
            f"{file} is not a valid attestation: {error.errors()[0]['msg']}", "Delete it, then check and record again."
        ) from error


def others(checks: Path, submission: Submission) -> dict[str, Attestation]:
    """The attestations of all other submissions, by ``<org>__<name>/<revision>``."""
    found = {f"{file.parent.name}/{file.stem}": file for file in sorted(checks.glob("[!.]*/[!.]*.toml"))}
    return {name: _read(file) for name, file in found.items() if name != submission.folder}


def record(checks: Path, submission: Submission, suites: dict[str, AttestedSuite]) -> Path:
    """Add verified suites to a submission's attestation; returns the path of the file."""
    target = path(checks, submission)
    merged = {name: attested for name, attested in read(checks, submission).suites.items() if name in submission.suites}
    for name, attested in suites.items():
        before = merged.get(name)
        # Verifying the vectors of a suite that was re-run does not lower its level.
        if before and before.level == "re-run" and before.ranks == attested.ranks and attested.level != "re-run":
            attested = attested.model_copy(update={"level": "re-run"})
        merged[name] = attested
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(target, Attestation(suites=merged).to_toml().encode())
    return target
