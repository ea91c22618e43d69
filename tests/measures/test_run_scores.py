"""Scores of runs against ir_measures on the whole runs, whatever part of them the measures look at."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest

from hybrid_bench.datasets.catalog import MIRACL
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.measures.run_scores import RunScores
from hybrid_bench.results.runs import canonical


@pytest.mark.parametrize(
    "names",
    [
        ["nDCG@10", "R@100"],
        ["P@1", "AP@20", "Success@5"],
        ["P@1", "RR@10"],
        ["nDCG@10", "AP"],
        ["nDCG(judged_only=True)@10"],
        ["P(rel=2)@5", "RPrec"],
    ],
)
def test_runs_are_scored_as_whole(names: list[str]) -> None:
    """Few different scores, so that cut-offs fall between ties."""
    rng = np.random.default_rng(0)
    judged, run = {}, {}
    for query in map(str, range(20)):
        judged[query] = {f"d{number}": int(rng.integers(0, 4)) for number in rng.choice(400, 30, replace=False)}
        run[query] = canonical((f"d{number}", float(rng.integers(0, 5))) for number in rng.choice(400, 300, replace=False))
    scores = RunScores(MIRACL, Setting("en", "en"), names)
    for part in (list(judged)[:7], list(judged)[7:]):
        scores.add({query: judged[query] for query in part}, run)
    whole = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in names], judged, {query: dict(hits) for query, hits in run.items()}
    )
    assert {row.measure: row.value for row in scores.rows()} == pytest.approx({str(m): v for m, v in whole.items()}, abs=1e-12)
