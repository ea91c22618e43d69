"""The bootstrap against the intervals of normal theory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hybrid_bench import HybridBenchError
from hybrid_bench.measures.bootstrap import bootstrap


def test_the_interval_of_a_mean_is_that_of_student() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 800)
    found = bootstrap([values[:, None]], lambda means: means[:, 0])
    expected = stats.t.interval(0.95, 799, values.mean(), stats.sem(values))
    assert found.value == pytest.approx(values.mean(), abs=1e-12)
    assert (found.low, found.high) == pytest.approx(expected, abs=0.01)
    assert np.log(found.p) == pytest.approx(np.log(stats.ttest_1samp(values, 0).pvalue), rel=0.1)
    assert 0 < found.p < 1e-9


def test_a_mean_of_groups_weighs_them_alike() -> None:
    rng = np.random.default_rng(2)
    groups = [rng.normal(0, 1, 50), rng.normal(1, 1, 500)]
    found = bootstrap([group[:, None] for group in groups], lambda means: means.mean(axis=1))
    spread = np.sqrt(sum(stats.sem(group) ** 2 for group in groups)) / 2
    assert found.value == pytest.approx((groups[0].mean() + groups[1].mean()) / 2, abs=1e-12)
    assert found.high - found.low == pytest.approx(2 * 1.96 * spread, rel=0.05)


def test_values_of_a_question_are_resampled_together() -> None:
    values = np.random.default_rng(3).normal(0, 1, (100, 1))
    found = bootstrap([np.concatenate([values, values + 0.5], axis=1)], lambda means: means[:, 1] - means[:, 0])
    assert (found.low, found.value, found.high, found.p) == pytest.approx((0.5, 0.5, 0.5, 0))


def test_no_difference_has_a_p_of_one() -> None:
    assert bootstrap([np.zeros((5, 1))], lambda means: means[:, 0]).p == 1


def test_it_is_the_same_every_time() -> None:
    values = np.random.default_rng(4).normal(0, 1, (60, 1))
    assert bootstrap([values], lambda means: means[:, 0]) == bootstrap([values], lambda means: means[:, 0])


def test_one_question_has_no_interval() -> None:
    with pytest.raises(HybridBenchError, match="a query set of one question has no confidence interval"):
        bootstrap([np.zeros((1, 1))], lambda means: means[:, 0])
