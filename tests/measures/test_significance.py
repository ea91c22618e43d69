"""Whether two encoders differ: against scipy, exact enumeration and closed forms."""

from __future__ import annotations

import itertools
import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hybrid_bench import HybridBenchError
from hybrid_bench.measures.significance import holm, paired

#: Values of queries as quarters: sums are exact, so that equal means are equal to the last bit.
quarters = st.lists(st.tuples(*[st.integers(0, 4).map(lambda value: value / 4)] * 2), min_size=2, max_size=9)

p_values = st.lists(st.floats(0, 1) | st.just(math.nan), max_size=12)


def arrays(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.array(pairs).T
    return a, b


def test_the_t_test_written_out() -> None:
    """Differences 1, 2, 3, 4, 5: mean 3, standard deviation sqrt(2.5), t = 3 / sqrt(2.5 / 5) with 4 degrees of freedom."""
    found = paired(np.zeros(5), np.array([1.0, 2, 3, 4, 5]))
    assert found.difference == 3
    assert found.effect == pytest.approx(3 / math.sqrt(2.5))
    assert found.t_test == pytest.approx(2 * stats.t.sf(3 / math.sqrt(2.5 / 5), 4))
    assert found.randomisation == 2 / 2**5
    assert found.queries == 5


def test_the_t_test_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random(200), rng.random(200) + 0.05
    assert paired(a, b).t_test == pytest.approx(stats.ttest_rel(b, a).pvalue, rel=1e-12)


@given(quarters)
def test_the_randomisation_of_few_queries_is_an_exact_enumeration(pairs: list[tuple[float, float]]) -> None:
    a, b = arrays(pairs)
    difference = b - a
    means = [abs(np.dot(signs, difference)) for signs in itertools.product((-1, 1), repeat=len(a))]
    exact = sum(mean >= abs(difference.sum()) for mean in means) / len(means)
    assert paired(a, b).randomisation == pytest.approx(exact)


@given(quarters)
def test_which_of_the_two_comes_first_does_not_matter(pairs: list[tuple[float, float]]) -> None:
    a, b = arrays(pairs)
    one, other = paired(a, b), paired(b, a)
    assert (one.difference, one.effect) == (-other.difference, -other.effect)
    assert (one.t_test, one.randomisation) == pytest.approx((other.t_test, other.randomisation))


def test_the_same_values_give_the_same_p_however_often() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.random(300), rng.random(300) + 0.02
    first = paired(a, b)
    assert paired(a, b) == first
    assert 0.01 < first.randomisation < 0.99
    assert first.randomisation == pytest.approx(first.t_test, abs=0.03)


def test_equal_encoders_do_not_differ() -> None:
    values = np.array([0.5, 0.25, 1.0])
    assert paired(values, values.copy()) == (0, 0, 1, 1, 3)


def test_a_gain_on_every_query_alike_is_certain() -> None:
    found = paired(np.full(8, 0.25), np.full(8, 0.5))
    assert found.t_test == 0
    assert found.randomisation == 2 / 2**8


def test_one_query_proves_nothing() -> None:
    found = paired(np.array([0.25]), np.array([0.75]))
    assert (found.difference, found.randomisation, found.queries) == (0.5, 1, 1)
    assert math.isnan(found.t_test)


@pytest.mark.parametrize(("a", "b"), [(3, 2), (0, 0)])
def test_values_that_do_not_pair_are_refused(a: int, b: int) -> None:
    with pytest.raises(HybridBenchError, match=f"cannot pair {a} values with {b}"):
        paired(np.ones(a), np.ones(b))


def test_holm_written_out() -> None:
    """Four tests: the smallest p times 4, the next times 3, 2, 1, none below the one before, none above 1."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.2]) == pytest.approx([0.9, 0.4])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


@given(p_values)
def test_holm_rejects_what_the_step_down_procedure_rejects(p: list[float]) -> None:
    """Holm 1979: while the i-th smallest of m values is at most level / (m - i + 1), reject it and go on."""
    tested = sorted(value for value in p if not math.isnan(value))
    corrected = holm(p)
    for level in (0.01, 0.05, 0.2):
        rejected = list(
            itertools.takewhile(lambda step: step[1] * (len(tested) - step[0]) <= level, enumerate(tested))  # noqa: B023
        )
        assert sum(value <= level for value in corrected) == len(rejected)


@given(p_values)
def test_holm_keeps_the_order_raises_every_p_and_leaves_nan(p: list[float]) -> None:
    corrected = holm(p)
    assert [math.isnan(value) for value in corrected] == [math.isnan(value) for value in p]
    tested = sorted((before, after) for before, after in zip(p, corrected, strict=True) if not math.isnan(before))
    assert [after for _, after in tested] == sorted(after for _, after in tested)
    assert all(before <= after <= 1 for before, after in tested)


@given(p_values, st.randoms())
def test_holm_does_not_depend_on_the_order_of_tests(p: list[float], random: Random) -> None:
    order = list(range(len(p)))
    random.shuffle(order)
    corrected = holm(p)
    assert holm([p[at] for at in order]) == pytest.approx([corrected[at] for at in order], nan_ok=True)
