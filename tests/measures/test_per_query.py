"""The scores of single queries: their means are the scores of the result, and they follow from the ranks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, evaluate
from tests.results import examples
from tests.tiny_encoder import TinyEncoder


@pytest.fixture(scope="module")
def result() -> Result:
    return evaluate(TinyEncoder(), "mini", options=EvaluationOptions(languages=("de", "en")))


@pytest.fixture(scope="module")
def frame(result: Result) -> pd.DataFrame:
    return result.per_query()


def test_means_are_the_scores_of_the_result(result: Result, frame: pd.DataFrame) -> None:
    means = frame.groupby(["query_set", "pool", "measure"])["value"].agg(["mean", "count"])
    tested = 0
    for row in result.rows:
        key = (row.query_set, row.pool, row.measure)
        if key in means.index:
            assert means.loc[key, "mean"] == pytest.approx(row.value, rel=1e-12)
            assert means.loc[key, "count"] == row.queries
            tested += 1
    assert tested == len(means) == 6 * 8 + 2
    assert set(frame["setting"]) == {"monolingual", "cross-lingual", "multilingual"}


def test_values_follow_from_the_ranks_beside_them(frame: pd.DataFrame) -> None:
    rows = frame[frame["measure"] == "AP"]
    expected = [np.mean([(at + 1) / rank for at, rank in enumerate(ranks)]) for ranks in rows["ranks"]]
    np.testing.assert_allclose(rows["value"], expected)
    distances = frame[frame["measure"] == "RankDistance"]
    assert (distances["value"] == [ranks[-1] - ranks[0] for ranks in distances["ranks"]]).all()
    assert set(distances["pool"]) == {"all"}


def test_measures_can_be_chosen(result: Result) -> None:
    frame = result.per_query(["nDCG@3"])
    assert set(frame["measure"]) == {"nDCG@3"}
    with pytest.raises(HybridBenchError, match="ERR@10"):
        result.per_query(["ERR@10"])


def test_a_result_without_ranks_says_so() -> None:
    stripped = examples.result().model_copy(update={"ranks_file": None})
    stripped._ranks = None
    with pytest.raises(HybridBenchError, match="the result of tiny on mini has no ranks"):
        stripped.per_query()


def test_passages_that_were_not_retrieved_have_no_rank() -> None:
    import dataclasses

    from hybrid_bench.results.ranks import Ranks

    ranks = examples.ranks().by_query_set["de"]
    partly = dataclasses.replace(ranks, found=np.array([True, True, False]))
    frame = examples.result().holding(Ranks({"de": partly})).per_query(["AP"])
    own = frame[(frame["query_set"] == "de") & (frame["pool"] == "de")].set_index("query_id")
    assert own["ranks"].to_dict() == {"q1": [1], "q2": []}
    assert own["value"].to_dict() == {"q1": 1.0, "q2": 0.0}
