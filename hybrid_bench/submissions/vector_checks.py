"""Verification of vectors: they must reproduce the submitted ranks exactly and not be those of another submission."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.settings import ALL
from hybrid_bench.submissions import attestation, ranking, suspicion
from hybrid_bench.submissions.attestation import AttestedSuite
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import schema, untrusted
from hybrid_bench.submissions.format import vectors as vector_file
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.untrusted import RejectedFile

if TYPE_CHECKING:
    from hybrid_bench.submissions.format.expected import SuiteData
    from hybrid_bench.submissions.format.rank_table import RankTable
    from hybrid_bench.submissions.format.vectors import Vectors
    from hybrid_bench.submissions.inspection import Inspection

#: Correlation of vectors (see ``ranking.projections``) above which they are a copy. Encoders that were fine-tuned alike from one
#: checkpoint reach .996; a copy with 5 % of noise has .998 or more.
_COPIED = 0.998
#: Correlation above which one encoder is likely derived from the other; different ones have .3 to .75, relatives .95.
_RELATED = 0.97
#: Two sketches that differ by at most this much are of nearly the same vectors.
_SKETCH_TOLERANCE = 0.003


def find_files(given: Sequence[Path], found: Inspection, report: Report) -> dict[str, Path]:
    """Suite to its vectors file, by file name, among files and folders.

    Args:
        given: files, or folders that contain them.
        found: the submission.
        report: receives a finding for each path without vectors of the submission.
    """
    files = {f"{schema.stem(name)}{vector_file.SUFFIX}": name for name in found.submission.suites if suite_data.known(name)}
    chosen: dict[str, Path] = {}
    for path in given:
        inside = [path / file for file in files if (path / file).is_file()] if path.is_dir() else [path]
        known = [file for file in inside if file.name in files]
        if not known or len(known) < len(inside):
            report.error(
                "vectors-file",
                quoted(path.name)[1:-1],
                "no vectors of a suite of this submission",
                f"Expected file names: {', '.join(sorted(files)) or f'SUITE{vector_file.SUFFIX}'}.",
            )
        chosen |= {files[file.name]: file for file in known}
    return chosen


def check(name: str, path: Path, found: Inspection, checks: Path, report: Report) -> AttestedSuite | None:
    """Recompute the ranks of a suite from its vectors and compare all of them with the submitted ones.

    Args:
        name: the suite.
        path: its vectors file.
        found: the submission.
        checks: folder of attestations.
        report: receives the findings.

    Returns:
        What can be recorded if there are no errors; None if the ranks could not be compared.
    """
    entry = found.submission.suites[name]
    data = suite_data.load(name)
    file = path.name
    if not data.pooled or entry.kind == "runs" or entry.depth is not None:
        report.error("vectors-file", file, f"vectors can only be compared with ranks of whole pools, not on {name}")
        return None
    try:
        digest = untrusted.sha256(path, vector_file.LIMIT)
    except RejectedFile as rejected:
        report.error(rejected.rule, file, rejected.message, rejected.remedy)
        return None
    if entry.vectors is None or digest != entry.vectors.sha256 or path.stat().st_size != entry.vectors.bytes:
        report.error("vectors-hash", file, f"not the file that {schema.FILE} names for {name}", "Use the file that was packed.")
    vectors = vector_file.read(path, data, report, file)
    if vectors is None or not vector_file.check_values(vectors, data, found.submission.card.similarity, report, file):
        return None
    _check_dimension(vectors, found.submission.card.dimension, report, file)
    _check_groups(vectors, data, report, file)
    mine = AttestedSuite(
        level="vectors re-scored",
        ranks=found.entry_hash(name),
        vectors=digest,
        submission=found.whole_hash,
        sketch=tuple(ranking.sketch(vectors)),
        projections=tuple(ranking.projections(vectors)),
    )
    _check_duplicates(name, mine, found, checks, report, file)
    if name not in found.tables:
        return None
    _compare(found.tables[name], ranking.ranks_of(vectors, data), report, file)
    return mine


def _check_dimension(vectors: Vectors, stated: int | None, report: Report, file: str) -> None:
    actual = next(iter(vectors.values())).shape[1]
    if stated != actual:
        report.error("vectors-file", file, f"the vectors have dimension {actual}, but the card states {stated}")


def _check_groups(vectors: Vectors, data: SuiteData, report: Report, file: str) -> None:
    share = suspicion.grouped_by_question(vectors, data)
    if share is not None and share > suspicion.MOST_GROUPED:
        report.warning(
            "suspicious",
            file,
            f"the passages are grouped by question: with probability {share:.3f}, a relevant one has a nearer passage in another "
            "language than one that is not relevant",
            suspicion.REMEDY,
        )


def _check_duplicates(name: str, mine: AttestedSuite, found: Inspection, checks: Path, report: Report, file: str) -> None:
    """Compare with the attested vectors of other submissions; a warning for other revisions of the same encoder."""
    for other, recorded in attestation.others(checks, found.submission).items():
        theirs = recorded.suites.get(name)
        if theirs is None:
            continue
        similar = _similarity(mine, theirs)
        if mine.vectors == theirs.vectors or similar >= _COPIED:
            add = report.warning if other.startswith(f"{found.folder.parent.name}/") else report.error
            same = "the same" if mine.vectors == theirs.vectors else "nearly the same"
            add("duplicate", file, f"{same} vectors as {other}: correlation {similar:.4f}", "Submit a different encoder.")
        elif similar >= _RELATED and not other.startswith(f"{found.submission.org}__"):
            remedy = "State in card.base what it was trained from; a maintainer decides."
            report.warning("duplicate", file, f"vectors similar to those of {other}: correlation {similar:.4f}", remedy)


def _similarity(mine: AttestedSuite, theirs: AttestedSuite) -> float:
    """Correlation of vectors; for attestations of an earlier version, 1 if their sketches are nearly equal and 0 if not."""
    if theirs.projections:
        both = len(mine.projections) == len(theirs.projections)
        return min(1.0, float(np.dot(mine.projections, theirs.projections))) if both else 0.0
    return float(max(abs(a - b) for a, b in zip(mine.sketch, theirs.sketch, strict=True)) <= _SKETCH_TOLERANCE)


def _compare(submitted: RankTable, recomputed: RankTable, report: Report, file: str) -> None:
    for language, theirs in submitted.ranks.by_query_set.items():
        ours = recomputed.ranks.by_query_set[language]
        every = np.arange(len(theirs.query_ids), dtype=np.int32)
        compared = [
            ("ranks", theirs.query, theirs.rank, ours.rank),
        ]
        if ALL in ours.rank_in:
            compared.append(("ranks in the pool of all", theirs.query, theirs.rank_in[ALL], ours.rank_in[ALL]))
        if language in recomputed.same_group:
            compared.append(("same20", every, submitted.same_group[language], recomputed.same_group[language]))
        for what, query, one, other in compared:
            different = np.flatnonzero(one != other)
            if len(different):
                first = int(different[0])
                report.error(
                    "vectors-ranks",
                    file,
                    f"{len(different)} of {len(one)} {what} of queries in {language} differ from the recomputed ones, "
                    f"first query {quoted(theirs.query_ids[query[first]])}: {one[first]}, recomputed {other[first]}",
                    "Check that the vectors are in the suite's order and that the ranks were computed from them.",
                )
