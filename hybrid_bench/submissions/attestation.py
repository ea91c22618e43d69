"""Attestations: records of which ranks were verified against which vectors, kept outside the submission's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions.format.schema import Level, Sha256, Submission
from hybrid_bench.support import atomic, toml

_HEAD = "# Written by `hybrid-bench submit check --record` and `submit rerun --record`; void once the submission changes.\n"


class AttestedSuite(BaseModel):
    """A suite of a submission whose ranks were verified."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["vectors re-scored", "re-run"]
    #: sha256 of the verified suite entry, see ``checksums.entry_hash``
    ranks: Sha256
    #: sha256 of the vectors file; empty if the encoder was re-run and its vectors were not kept
    vectors: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    #: sha256 of the whole submission, see ``checksums.whole_hash``; empty if an earlier version recorded the ranks alone
    submission: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    #: see ``ranking.sketch``
    sketch: Annotated[tuple[float, ...], Field(min_length=64, max_length=64)]
    #: see ``ranking.projections``; empty if an earlier version recorded it
    projections: Annotated[tuple[float, ...], Field(max_length=120)] = ()


class Attestation(BaseModel):
    """A file of ``checks/``: the verified suites of one submission."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suites: dict[str, AttestedSuite] = {}

    def valid(self, suite: str, ranks: str, submission: str) -> AttestedSuite | None:
        """What was recorded of a suite; None if there is nothing, or the submission has changed since.

        Args:
            suite: name of the suite.
            ranks: its ``checksums.entry_hash``.
            submission: the ``checksums.whole_hash`` of the submission.
        """
        attested = self.suites.get(suite)
        return attested if attested and attested.ranks == ranks and attested.submission in ("", submission) else None

    def level(self, suite: str, ranks: str, submission: str) -> Level:
        """Verification level of a suite; arguments as in :meth:`valid`."""
        attested = self.valid(suite, ranks, submission)
        return attested.level if attested else "ranks re-scored"

    def to_toml(self) -> str:
        """Serialize as TOML."""
        parts = [_HEAD]
        for name, attested in sorted(self.suites.items()):
            sketch, projections = (
                ", ".join(f"{value:.4f}" for value in values) for values in (attested.sketch, attested.projections)
            )
            parts.append(
                f'\n[suites."{name}"]\nlevel = "{attested.level}"\nranks = "{attested.ranks}"\n'
                + (f'submission = "{attested.submission}"\n' if attested.submission else "")
                + f'vectors = "{attested.vectors}"\nsketch = [{sketch}]\n'
                + (f"projections = [{projections}]\n" if projections else "")
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
        unchanged = before and before.ranks == attested.ranks and before.submission in ("", attested.submission)
        merged[name] = _both(before, attested) if before and unchanged else attested
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(target, Attestation(suites=merged).to_toml().encode())
    return target


def _both(before: AttestedSuite, now: AttestedSuite) -> AttestedSuite:
    """Two verifications of the same ranks: the higher level, and the vectors that were verified, if any were."""
    kept: dict[str, Any] = {}
    if before.level == "re-run" and now.level != "re-run":
        kept = {"level": before.level, "submission": before.submission}
    if before.vectors and not now.vectors:
        kept |= {"vectors": before.vectors, "sketch": before.sketch, "projections": before.projections}
    return now.model_copy(update=kept)
