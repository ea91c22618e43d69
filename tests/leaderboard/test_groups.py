"""Letters represent exactly which rows differ."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hybrid_bench.leaderboard.groups import different_pairs, letters


@given(
    st.integers(1, 9).flatmap(lambda n: st.tuples(st.permutations(range(n)), st.sets(st.tuples(*[st.integers(0, n - 1)] * 2))))
)
def test_rows_share_a_letter_exactly_if_they_do_not_differ(drawn: tuple[list[int], set[tuple[int, int]]]) -> None:
    order, pairs = drawn
    different = {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}
    found = letters(order, sorted(different))
    assert set(found) == set(order)
    for a, b in itertools.combinations(sorted(order), 2):
        assert ((a, b) in different) == (not set(found[a]) & set(found[b]))
    assert found[order[0]].startswith("a"), "the best row has the first letter"


def test_chain_of_three() -> None:
    """Only the two outer rows differ."""
    assert letters([2, 0, 1], [(1, 2)]) == {2: "a", 0: "ab", 1: "b"}
    assert letters([], []) == {}


def test_more_than_26_letters() -> None:
    rows = list(range(30))
    found = letters(rows, list(itertools.combinations(rows, 2)))
    assert len(set(found.values())) == 30
    assert found[25] == "z"
    assert found[26] == "a1"


def test_pairs_differ_as_in_scipy_with_holm_s_correction() -> None:
    """Holm multiplies the smallest p-value by the number of tests, the next by one less, and so on."""
    draw = np.random.default_rng(3)
    rows = [draw.normal(size=200) + shift for shift in (0, 0.02, 0.6)]
    p = {pair: stats.ttest_rel(rows[pair[0]], rows[pair[1]]).pvalue for pair in itertools.combinations(range(3), 2)}
    ordered = sorted(p, key=p.__getitem__)
    expected = set()
    for step, pair in enumerate(ordered):
        if p[pair] * (3 - step) >= 0.05:
            break
        expected.add(pair)
    assert different_pairs({"x": rows}) == {"x": expected} == {"x": {(0, 2), (1, 2)}}


def test_more_tests_make_each_stricter() -> None:
    draw = np.random.default_rng(0)
    base = draw.normal(size=50)
    close = base + draw.normal(size=50) * 0.5
    shifted = close + (base - close).mean() + 0.5 * 2.2 / np.sqrt(50)
    p = stats.ttest_rel(base, shifted).pvalue
    assert 0.01 < p < 0.05
    assert different_pairs({"x": [base, shifted]}) == {"x": {(0, 1)}}
    crowd = [base, shifted, *(base + draw.normal(size=50) for _ in range(6))]
    assert (0, 1) not in different_pairs({"x": crowd})["x"]


def test_rows_without_values_are_not_tested() -> None:
    values = np.arange(5.0)
    assert different_pairs({"x": [None, values, values + np.array([3, 4, 5, 6, 7.5]), None]}) == {"x": {(1, 2)}}
