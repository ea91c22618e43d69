"""Re-running a submission: a maintainer loads the encoder by name, re-encodes the suites and compares the scores."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybrid_bench.datasets.settings import ALL
from hybrid_bench.encoders.description import describe
from hybrid_bench.encoders.precomputed import FeatureFiles
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions import attestation, checking, packing, ranking, rescoring
from hybrid_bench.submissions.attestation import AttestedSuite
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import vectors as vector_file
from hybrid_bench.submissions.format.findings import Report
from hybrid_bench.submissions.format.rank_table import RankTable
from hybrid_bench.submissions.inspection import Inspection, read_card
from hybrid_bench.support.progress import Progress, SilentProgress

#: Maximum difference of a mean score between two machines; relative for scores above 1.
TOLERANCE = 2e-3


@dataclass(frozen=True)
class RerunComparison:
    """Comparison of re-computed and submitted scores on one suite.

    Attributes:
        score: the mean score with the largest difference.
        difference: that difference; relative for scores above 1.
        same_ranks: the share of identical ranks in the pool of all languages, of query sets that are asked there.
        reproduced: whether the difference is within the tolerance.
        attested: what can be recorded; None if the scores were not reproduced, or no image was read.
    """

    score: str
    difference: float
    same_ranks: float
    reproduced: bool
    attested: AttestedSuite | None


def rerun(
    folder: Path,
    encoder: Encoder,
    *,
    tolerance: float = TOLERANCE,
    store: Path | None = None,
    progress: Progress | None = None,
    checks: Path | None = None,
    features: FeatureFiles | None = None,
) -> dict[str, RerunComparison]:
    """Re-encode the suites of a submission and compare the scores.

    Args:
        folder: the submission.
        encoder: loaded by the maintainer by name; nothing in the submission decides what is executed.
        tolerance: maximum difference of mean scores.
        store: folder of stored vectors; defaults to the cache, where encoders are identified by a hash of their weights.
        progress: receives progress updates.
        checks: folder of attestations.
        features: in place of the images of suites that have some. No image is read then, so that such suites are compared, and
            not attested.

    Raises:
        HybridBenchError: if the submission has errors, or no suite with ranks of whole pools, or the encoder cannot be run on a
            suite (see :func:`packing.encoders_of`).
    """
    checked = checking.run(folder, checks=checks)
    found = checked.inspection
    if found is None or checked.failed:
        raise HybridBenchError(f"{folder} has errors", f"Run: hybrid-bench submit check {folder}")
    comparable = [
        name
        for name, entry in found.submission.suites.items()
        if name in found.tables and entry.depth is None and suite_data.load(name).pooled
    ]
    if not comparable:
        raise HybridBenchError(f"{folder} has no ranks of whole pools to compare with")
    (progress or SilentProgress()).say(describe(encoder))
    encoders = packing.encoders_of(encoder, comparable, features)
    return {name: _rerun_suite(found, name, one, tolerance, store, progress, features) for name, one in encoders.items()}


def _rerun_suite(
    found: Inspection,
    name: str,
    encoder: Encoder,
    tolerance: float,
    store: Path | None,
    progress: Progress | None,
    features: FeatureFiles | None,
) -> RerunComparison:
    data = suite_data.load(name)
    entry = found.submission.suites[name]
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as scratch:
        again = packing.pack_suite(encoder, name, Path(scratch), entry.passage_text, store, progress, features)
        report = Report()
        vectors = vector_file.read(again.vectors, data, report, again.vectors.name) if again.vectors else None
        if vectors is None:
            raise HybridBenchError(
                f"cannot read the vectors of {encoder.card.name} on {name}", "This is a bug; please report it."
            )
        sketch, projections = tuple(ranking.sketch(vectors)), tuple(ranking.projections(vectors))
    score, difference = packing.largest_difference(rescoring.scored(found, name), rescoring.scored_table(again.table, data))
    same = _same_ranks(found.tables[name], again.table)
    attested = AttestedSuite(
        level="re-run",
        ranks=found.entry_hash(name),
        vectors="",
        submission=found.whole_hash,
        sketch=sketch,
        projections=projections,
    )
    reproduced = difference <= tolerance
    return RerunComparison(
        score, difference, same, reproduced, attested if reproduced and "features" not in again.entry else None
    )


def _same_ranks(one: RankTable, other: RankTable) -> float:
    others = other.ranks.by_query_set
    pairs = ((ranks, others[name]) for name, ranks in one.ranks.by_query_set.items())
    return float(np.concatenate([a.rank_in.get(ALL, a.rank) == b.rank_in.get(ALL, b.rank) for a, b in pairs]).mean())


def record(found: Mapping[str, RerunComparison], folder: Path, checks: Path | None = None) -> Path | None:
    """Record the suites whose scores were reproduced; returns the path of the file, None if there are none."""
    attested = {name: suite.attested for name, suite in found.items() if suite.attested}
    if not attested:
        return None
    submission = read_card(folder / "submission.toml")
    return attestation.record(checks or attestation.checks_folder(folder), submission, attested)
