"""Comparison of two results, against values and tests computed query by query from the ranks."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, compare, evaluate
from hybrid_bench.datasets.languages import XQUAD_R
from hybrid_bench.evaluation.compare import computed_differently, significant
from tests.conftest import Cli
from tests.tiny_encoder import TinyEncoder

KINDS = ["monolingual", "cross-lingual", "multilingual"]


def encoder(dimension: int) -> TinyEncoder:
    made = TinyEncoder(dimension=dimension)
    made.card = made.card.model_copy(update={"name": f"tiny-{dimension}"})
    return made


@pytest.fixture(scope="module")
def small() -> Result:
    return evaluate(encoder(32), "mini")


@pytest.fixture(scope="module")
def large() -> Result:
    return evaluate(encoder(512), "mini")


@pytest.fixture(scope="module")
def compared(small: Result, large: Result) -> pd.DataFrame:
    return compare(small, large)


def average_precision(result: Result, kind: str) -> pd.DataFrame:
    """Of ``mini``, where a query has one relevant passage per language: query set, query, AP averaged over its pools."""
    rows = []
    for language, ranks in result.ranks.by_query_set.items():
        for number, query_id in enumerate(ranks.query_ids):
            own = ranks.query == number
            if kind == "multilingual":
                value = np.mean(np.arange(1, own.sum() + 1) / np.sort(ranks.rank_in["all"][own]))
            else:
                inside = own & ((ranks.collection == language) == (kind == "monolingual"))
                value = np.mean(1 / ranks.rank[inside])
            rows.append((language, query_id, value))
    return pd.DataFrame(rows, columns=["language", "query", "AP"])


def rank_distances(result: Result) -> pd.DataFrame:
    rows = [
        (language, query_id, np.ptp(ranks.rank_in["all"][ranks.query == number]))
        for language, ranks in result.ranks.by_query_set.items()
        for number, query_id in enumerate(ranks.query_ids)
    ]
    return pd.DataFrame(rows, columns=["language", "query", "AP"])


def test_a_result_does_not_differ_from_itself(small: Result) -> None:
    frame = compare(small, small)
    assert frame["setting"].tolist() == [*KINDS, "multilingual"]
    assert frame["measure"].tolist() == ["AP", "AP", "AP", "RankDistance"]
    assert (frame["query_set"] == "mean").all()
    assert (frame["a"] == frame["b"]).all()
    assert (frame[["difference", "effect"]] == 0).all(axis=None)
    assert (frame[["p_t_test", "p_randomisation"]] == 1).all(axis=None)


def test_two_encoders_differ_as_their_queries_do(small: Result, large: Result, compared: pd.DataFrame) -> None:
    by_kind = [(average_precision(small, kind), average_precision(large, kind)) for kind in KINDS]
    by_kind.append((rank_distances(small), rank_distances(large)))
    p_values = []
    for (_, row), (a, b) in zip(compared.iterrows(), by_kind, strict=True):
        of_a, of_b = (side.groupby("query", sort=False)["AP"].mean() for side in (a, b))
        difference = (of_b - of_a).to_numpy()
        assert row["queries"] == len(difference) == 45, "the translations of a question are one observation"
        assert row["a"] == pytest.approx(a.groupby("language")["AP"].mean().mean(), abs=1e-12)
        assert row["b"] == pytest.approx(b.groupby("language")["AP"].mean().mean(), abs=1e-12)
        assert row["difference"] == pytest.approx(row["b"] - row["a"], abs=1e-12)
        assert row["effect"] == pytest.approx(difference.mean() / difference.std(ddof=1), abs=1e-9)
        p_values.append(stats.ttest_rel(of_b, of_a).pvalue)
    corrected, last = {}, 0.0
    for step, p in enumerate(sorted(p_values)):
        last = max(last, min(1, p * (len(p_values) - step)))
        corrected[p] = last
    assert compared["p_t_test"].tolist() == pytest.approx([corrected[p] for p in p_values], rel=1e-6, abs=0)
    assert (compared["p_randomisation"] < 0.05).tolist() == (compared["p_t_test"] < 0.05).tolist()


def test_the_means_are_those_of_the_results(small: Result, large: Result) -> None:
    """Every query of ``mini`` counts in every setting: the mean over queries is the mean over settings."""
    frame = compare(small, large, "nDCG@10").set_index(["setting", "measure"])
    for side, result in (("a", small), ("b", large)):
        for kind in KINDS:
            rows = result.scores.query("setting == @kind and measure == 'nDCG@10'")
            assert frame.loc[(kind, "nDCG@10"), side] == pytest.approx(rows["value"].mean(), abs=1e-9)
        distance = result.scores.query("measure == 'RankDistance'")["value"].mean()
        assert frame.loc[("multilingual", "RankDistance"), side] == pytest.approx(distance, abs=1e-9)


def test_swapping_the_two_turns_the_sign(small: Result, large: Result, compared: pd.DataFrame) -> None:
    swapped = compare(large, small)
    np.testing.assert_allclose(swapped["difference"], -compared["difference"])
    np.testing.assert_allclose(swapped["effect"], -compared["effect"])
    np.testing.assert_allclose(swapped["p_t_test"], compared["p_t_test"])


def test_by_language_adds_a_row_per_query_set(small: Result, large: Result) -> None:
    frame = compare(small, large, by_language=True)
    assert len(frame) == 4 * (len(XQUAD_R) + 1)
    for kind in KINDS:
        rows = frame[(frame["setting"] == kind) & (frame["measure"] == "AP")].set_index("query_set")
        assert list(rows.index) == [*XQUAD_R, "mean"]
        assert set(rows["queries"]) == {45}
        expected = average_precision(large, kind).groupby("language")["AP"].mean()
        assert rows["b"][:-1].to_dict() == pytest.approx(expected.to_dict(), abs=1e-12)
        assert rows.loc["mean", "difference"] == pytest.approx(rows["difference"][:-1].mean(), abs=1e-12)


def test_results_that_were_read_from_files_compare_equally(
    small: Result, large: Result, compared: pd.DataFrame, tmp_path: Path
) -> None:
    read = [Result.read(result.save(tmp_path)) for result in (small, large)]
    pd.testing.assert_frame_equal(compare(*read), compared)


def test_results_of_different_passage_texts_are_comparable(small: Result) -> None:
    with_context = evaluate(encoder(32), "mini", options=EvaluationOptions(passage_text="sentence+context"))
    frame = compare(small, with_context)
    assert (frame["difference"] != 0).all()


def test_a_pool_of_one_language_has_monolingual_rows_alone() -> None:
    german = [evaluate(encoder(dimension), "mini", options=EvaluationOptions(languages=("de",))) for dimension in (32, 512)]
    assert compare(*german)["setting"].tolist() == ["monolingual"]


def test_other_suites_are_refused(small: Result) -> None:
    german = evaluate(encoder(32), "mini", options=EvaluationOptions(languages=("de", "en")))
    with pytest.raises(HybridBenchError, match=r"tiny-32 was scored on mini and tiny-32 on mini\+de\+en\n  Compare one suite"):
        compare(small, german)


def test_other_rules_for_own_passages_are_refused(small: Result, large: Result) -> None:
    dropping = large.model_copy(update={"provenance": large.provenance.model_copy(update={"drops_own": True})})
    problem = f"only {large.name} was scored without the passages that have their query's id\n  Evaluate both"
    for pair in ((small, dropping), (dropping, small)):
        with pytest.raises(HybridBenchError, match=problem):
            compare(*pair)


@pytest.mark.parametrize("part", ["queries", "passages"])
def test_other_data_are_refused(small: Result, large: Result, part: str) -> None:
    hashes = getattr(small.provenance, part)
    other = small.model_copy(
        update={"provenance": small.provenance.model_copy(update={part: hashes | {"de": "0" * 64, "th": "0" * 64}})}
    )
    with pytest.raises(HybridBenchError, match=f"the two results have other {part} in de, th\n  Evaluate both on the same data"):
        compare(other, large)


def test_an_unknown_measure_is_refused(small: Result, large: Result) -> None:
    with pytest.raises(HybridBenchError, match="ir_measures does not know the measure 'mAP'"):
        compare(small, large, "mAP")


@pytest.mark.parametrize(("p", "expected"), [(0.049, True), (0.05, False), (1.0, False), (math.nan, False)])
def test_significant_is_below_the_level(p: float, expected: bool) -> None:
    assert significant(p) is expected


def test_other_dtypes_are_named(small: Result, large: Result, tmp_path: Path, cli: Cli) -> None:
    assert computed_differently(small, large) == ""
    provenance = large.provenance.model_copy(update={"dtype": "bf16"})
    mine = small.save(tmp_path)
    assert "warning" not in cli("compare", str(mine), str(mine)).stderr
    other = large.model_copy(update={"provenance": provenance}).with_ranks(large.ranks).save(tmp_path)
    done = cli("compare", str(mine), str(other))
    assert done.returncode == 0, done.stderr
    assert "b = tiny-512 (bf16) compared with a = tiny-32" in done.stdout
    assert "warning: a was computed in fp32, b in bf16" in done.stderr
