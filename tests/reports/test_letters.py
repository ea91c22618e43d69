"""Letters represent exactly which rows differ."""

from __future__ import annotations

import itertools
import random
import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hybrid_bench.reports.letters import different_pairs, letters, shortened


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


ROWS = 200
#: Pairs of 200 rows that differ, and the most letters and the longest cell that they may need.
GRAPHS = {
    "neighbours": ({(row, row + 1) for row in range(0, ROWS, 2)}, 16, 10),  # 2^100 maximal sets of rows that do not differ
    "threes": ({pair for pair in itertools.combinations(range(ROWS), 2) if pair[0] // 3 == pair[1] // 3}, 30, 16),
    "distance": ({pair for pair in itertools.combinations(range(ROWS), 2) if pair[1] - pair[0] >= 30}, 171, 5),
    "all": (set(itertools.combinations(range(ROWS), 2)), 200, 2),
    "none": (set(), 1, 1),
    "random": (
        {pair for pair in itertools.combinations(range(ROWS), 2) if random.Random(str(pair)).random() < 0.5},
        1000,
        130,
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_two_hundred_rows(name: str) -> None:
    different, most_letters, longest_cell = GRAPHS[name]
    start = time.process_time()
    found = {row: re.findall("[a-z][0-9]*", cell) for row, cell in letters(range(ROWS), different).items()}
    assert time.process_time() - start < 20  # another order of time would take minutes
    for a, b in itertools.combinations(range(ROWS), 2):
        assert ((a, b) in different) == (not set(found[a]) & set(found[b]))
    assert len({letter for cell in found.values() for letter in cell}) <= most_letters
    assert max(len(shortened("".join(cell))) for cell in found.values()) <= longest_cell


def test_two_hundred_encoders() -> None:
    """Rows that are close do not differ: a letter for each run of them, and a cell is a range."""
    draw = np.random.default_rng(0)
    base = draw.random(300)
    rows = [base + draw.normal(0, 0.2, 300) + 0.004 * number for number in range(ROWS)]
    start = time.process_time()
    different = different_pairs({"x": rows})["x"]
    found = letters(range(ROWS), sorted(different))
    assert time.process_time() - start < 60  # another order of time would take minutes
    assert 0 < len(different) < ROWS * (ROWS - 1) / 2
    assert max(len(shortened(cell)) for cell in found.values()) < 25
    assert found[0].startswith("a")


@given(st.integers(2, 7).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_few_letters_compared_with_the_fewest(drawn: tuple[int, set[tuple[int, int]]]) -> None:
    """At most one and a half times the fewest, found by trying all sets of maximal cliques."""
    rows, pairs = drawn
    different = {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}
    alike = set(itertools.combinations(range(rows), 2)) - different
    cliques = [
        group
        for size in range(1, rows + 1)
        for group in itertools.combinations(range(rows), size)
        if not set(itertools.combinations(group, 2)) & different
    ]
    maximal = [group for group in cliques if not any(set(group) < set(other) for other in cliques)]
    fewest = next(
        number
        for number in range(1, len(maximal) + 1)
        for chosen in itertools.combinations(maximal, number)
        if {row for group in chosen for row in group} == set(range(rows))
        and alike <= {pair for group in chosen for pair in itertools.combinations(group, 2)}
    )
    assert len({letter for cell in letters(range(rows), different).values() for letter in cell}) <= 1.5 * fewest


def test_ranges_of_letters() -> None:
    assert [shortened(cell) for cell in ("", "a", "ab", "abc", "abcf", "acdefz", "yza1b1")] == [
        "", "a", "ab", "a-c", "a-cf", "ac-fz", "y-b1",
    ]  # fmt: skip


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
