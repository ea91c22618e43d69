"""Two results side by side: differences by kind of setting, with paired significance tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.datasets.settings import KINDS
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.questions import over_languages, prepare, unit, values
from hybrid_bench.measures.significance import holm, paired
from hybrid_bench.results.record import Result

if TYPE_CHECKING:
    import pandas as pd


def compare(a: Result, b: Result, measure: str | None = None, *, by_language: bool = False) -> pd.DataFrame:
    """Compare B with A by kind of setting.

    A query's value in a kind of setting is its mean over the settings of that kind in which it counts, so that a query is one
    observation however many pools it was asked on. In the row of the mean the translations of a question, or of a sentence of
    parallel texts, are one observation too, with the mean of their values: they are not independent of each other.

    Args:
        a: a result.
        b: another one on the same suite with the same texts.
        measure: of ir_measures, by default the primary one of A; RankDistance is compared beside it.
        by_language: one row a query set too, not only their means.

    Returns:
        One row a comparison: setting, query_set, measure, a, b, difference, effect, p of the t-test and of the
        randomisation test, both corrected by Holm over all rows of the table, the number of observations (queries), and what one
        of them is in the row of the mean (unit): ``question``, ``sentence``. In that row a, b and difference weigh every query
        set alike, effect and p every question: where not all questions are in all query sets, their signs may differ near 0.

    Raises:
        HybridBenchError: if the two are not comparable.
    """
    import pandas as pd

    check_comparable(a, b)
    asked = measure or a.primary
    prepared = [prepare(a, [b]), prepare(b, [a])]
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys((asked, "RankDistance")):
        for kind in KINDS:
            sides = [values(result, kind, name, of) for result, of in zip((a, b), prepared, strict=True)]
            shared = [query_set for query_set in sides[0] if query_set in sides[1]]
            if not shared:
                continue
            chosen = [(query_set, [query_set]) for query_set in shared] if by_language else []
            for label, query_sets in [*chosen, ("mean", shared)]:
                of_a, of_b = ([side[query_set] for query_set in query_sets] for side in sides)
                rows.append({"setting": kind, "query_set": label, "measure": name} | _row(of_a, of_b))
    if not rows:
        raise HybridBenchError(f"neither result has queries to compare by {asked}")
    frame = pd.DataFrame(rows)
    for column in ("p_t_test", "p_randomisation"):
        frame[column] = holm(frame[column].tolist())
    return frame.assign(unit=unit(a))


def _row(of_a: Sequence[pd.Series[float]], of_b: Sequence[pd.Series[float]]) -> dict[str, float]:
    """The means of both sides over query sets, and the tests over questions."""
    observed = [np.asarray(over_languages(side), dtype=np.float64) for side in (of_a, of_b)]
    test = paired(observed[0], observed[1])
    mean_a, mean_b = (float(np.mean([values.mean() for values in side])) for side in (of_a, of_b))
    return {
        "a": mean_a,
        "b": mean_b,
        "difference": mean_b - mean_a,
        "effect": test.effect,
        "p_t_test": test.t_test,
        "p_randomisation": test.randomisation,
        "queries": test.queries,
    }


def computed_differently(a: Result, b: Result) -> str:
    """What differs in how the vectors of two results were computed and stored, for a warning; empty if nothing does."""
    sides = [(side.provenance.dtype, side.provenance.storage or "") for side in (a, b)]
    named = [dtype + (f", stored as {storage}" if storage else "") for dtype, storage in sides]
    return "" if sides[0] == sides[1] else f"a was computed in {named[0]}, b in {named[1]}"


def significant(p: float, level: float = 0.05) -> bool:
    """Whether a corrected p is below the level; NaN is not."""
    return not math.isnan(p) and p < level


def check_comparable(a: Result, b: Result) -> None:
    """Raise HybridBenchError if two results are not of the same suite and texts."""
    if a.suite != b.suite:
        raise HybridBenchError(f"{a.name} was scored on {a.suite} and {b.name} on {b.suite}", "Compare one suite.")
    for part in ("queries", "passages", "judgements"):
        ours, theirs = getattr(a.provenance, part), getattr(b.provenance, part)
        if part == "judgements" and not (ours and theirs):
            continue  # earlier versions did not record them
        if part == "passages" and a.provenance.passage_text != b.provenance.passage_text:
            continue  # what the encoders read differs, and that is what is compared
        different = sorted(k for k in {*ours, *theirs} if ours.get(k) != theirs.get(k))
        if different:
            raise HybridBenchError(
                f"the two results have other {part} in {', '.join(different)}", "Evaluate both on the same data."
            )
    if a.provenance.drops_own != b.provenance.drops_own:
        raise HybridBenchError(
            f"only {(a if a.provenance.drops_own else b).name} was scored without the passages that have their query's id",
            "Evaluate both with --drop-own, or both with --keep-own.",
        )
