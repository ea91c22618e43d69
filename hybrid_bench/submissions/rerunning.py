"""Running an open encoder again, by a maintainer who named it: the one place where a submission's encoder computes anything."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions import attestation, checking, packing, ranking, rescoring
from hybrid_bench.submissions.attestation import Attested
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import vectors as vector_file
from hybrid_bench.submissions.format.findings import Report
from hybrid_bench.submissions.format.rank_table import RankTable
from hybrid_bench.submissions.inspection import Inspected, read_card
from hybrid_bench.support.progress import Progress

#: What a mean score may differ by between two machines, relative to it where it is a rank and not a share.
TOLERANCE = 2e-3


@dataclass(frozen=True)
class Rerun:
    """An encoder's own ranks beside those that were handed in.

    Attributes:
        score: the mean score that differs most.
        difference: how much.
        same_ranks: the share of ranks in the pool of all that are the same.
        attested: what can be recorded; None if the difference is more than the tolerance.
    """

    score: str
    difference: float
    same_ranks: float
    attested: Attested | None


def rerun(
    folder: Path,
    encoder: Encoder,
    *,
    tolerance: float = TOLERANCE,
    store: Path | None = None,
    progress: Progress | None = None,
    checks: Path | None = None,
) -> dict[str, Rerun]:
    """Encode the suites of a submission again and compare the scores.

    Args:
        folder: the submission.
        encoder: loaded by the maintainer, by name: nothing in the submission decides what is run.
        tolerance: of mean scores.
        store: folder of the vectors; by default in the cache, where an encoder is known by a hash of its weights.
        progress: where to report.
        checks: folder of attestations.

    Raises:
        HybridBenchError: if the submission has errors, or no suite that vectors can be compared on.
    """
    checked = checking.run(folder, checks=checks)
    found = checked.inspected
    if found is None or checked.failed:
        raise HybridBenchError(f"{folder} has errors", f"Run: hybrid-bench submit check {folder}")
    comparable = [
        name
        for name, handed in found.submission.suites.items()
        if name in found.tables and handed.depth is None and suite_data.load(name).suite.pooled
    ]
    if not comparable:
        raise HybridBenchError(f"{folder} has no ranks of whole pools, with which an encoder's could be compared")
    return {name: _rerun_suite(found, name, encoder, tolerance, store, progress) for name in comparable}


def _rerun_suite(
    found: Inspected, name: str, encoder: Encoder, tolerance: float, store: Path | None, progress: Progress | None
) -> Rerun:
    data = suite_data.load(name)
    handed = found.submission.suites[name]
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as scratch:
        again = packing.pack_suite(encoder, name, Path(scratch), handed.passage_text, store, progress)
        report = Report()
        vectors = vector_file.read(again.vectors, data, report, again.vectors.name) if again.vectors else None
        if vectors is None:
            raise HybridBenchError(f"the vectors of {encoder.card.name} on {name} cannot be read", "This is a defect: report it.")
        sketch = ranking.sketch(vectors)
    score, difference = packing.largest_difference(rescoring.scored(found, name), rescoring.scored_table(again.table, data))
    same = _same_ranks(found.tables[name], again.table)
    attested = Attested(level="re-run", ranks=found.handed_hash(name), vectors="", sketch=tuple(sketch))
    return Rerun(score, difference, same, attested if difference <= tolerance else None)


def _same_ranks(one: RankTable, other: RankTable) -> float:
    pairs = [(ranks.rank_all, other.ranks.by_language[language].rank_all) for language, ranks in one.ranks.by_language.items()]
    return float(np.concatenate([a == b for a, b in pairs]).mean())


def record(found: Mapping[str, Rerun], folder: Path, checks: Path | None = None) -> Path | None:
    """Write down the suites whose scores came out again; None if there are none."""
    attested = {name: suite.attested for name, suite in found.items() if suite.attested}
    if not attested:
        return None
    submission = read_card(folder / "submission.toml")
    return attestation.record(checks or attestation.checks_folder(folder), submission, attested)
