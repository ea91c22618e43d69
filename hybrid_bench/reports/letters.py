"""Compact letter display of significance tests: rows that share a letter do not differ significantly."""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.evaluation.compare import significant
from hybrid_bench.measures.significance import holm, t_tests

Pair = tuple[int, int]


def different_pairs(columns: Mapping[str, Sequence[NDArray[np.float64] | None]]) -> dict[str, set[Pair]]:
    """Column to the pairs of rows that differ significantly, by paired t-tests with Holm's correction over all pairs and columns.

    Args:
        columns: column to the values of each row, one per question, in the same order; None for rows that are not tested.
    """
    tests: list[tuple[str, Pair]] = []
    p_values: list[float] = []
    for name, rows in columns.items():
        tested = [at for at, row in enumerate(rows) if row is not None and len(row) > 1]
        values = _stacked([rows[at] for at in tested])
        for number, at in enumerate(tested[:-1]):
            tests += [(name, (at, other)) for other in tested[number + 1 :]]
            p_values += t_tests(values[number], values[number + 1 :])
    found: dict[str, set[Pair]] = {name: set() for name in columns}
    for (name, pair), p in zip(tests, holm(p_values), strict=True):
        if significant(p):
            found[name].add(pair)
    return found


def _stacked(rows: Sequence[NDArray[np.float64] | None]) -> NDArray[np.float64]:
    """Rows of equal length as one array."""
    if len({0 if row is None else len(row) for row in rows}) > 1:
        raise ValueError("rows can only be paired on the same questions")
    return np.array(rows, dtype=np.float64)


def letters(order: Sequence[int], different: Iterable[Pair]) -> dict[int, str]:
    """Assign letters to rows: two rows share a letter exactly if they do not differ.

    A letter is a set of rows of which no two differ, and every pair that does not differ has to be in one of the sets: a cover
    of a graph's edges by cliques. All maximal cliques would do, as Piepho (2004, An Algorithm for a Letter-Based Representation
    of All-Pairwise Comparisons) has them, but there can be exponentially many. Here each pair without a letter gets one, which
    takes in as many other pairs as it can; letters that others make superfluous are removed. If the pairs that do not differ are
    those close in ``order``, the result is the smallest one: one letter for each interval.

    Args:
        order: the tested rows, best first; the first one gets ``a``.
        different: pairs of rows that differ.
    """
    place = {row: at for at, row in enumerate(order)}
    everything = (1 << len(order)) - 1
    alike = [everything ^ (1 << at) for at in range(len(order))]  # the rows that each row does not differ from, as bits
    for a, b in different:
        alike[place[a]] &= ~(1 << place[b])
        alike[place[b]] &= ~(1 << place[a])
    sets = sorted(_without_superfluous(_cover(alike)))
    found: dict[int, list[str]] = {row: [] for row in order}
    for number, group in enumerate(sets):
        for at in group:
            found[order[at]].append(_letter(number))
    return {row: "".join(of_row) for row, of_row in found.items()}


def _cover(alike: Sequence[int]) -> list[list[int]]:
    """Sets of rows of which no two differ; each pair that does not differ is in one of them.

    Args:
        alike: the rows that each row does not differ from, as bits.
    """
    left = list(alike)  # the pairs without a set
    found = [[at] for at, others in enumerate(alike) if not others]
    while True:
        first = max(range(len(left)), key=lambda row: left[row].bit_count(), default=0)
        if not left or not left[first]:
            return found
        second = max(_rows(left[first]), key=lambda row: (left[row].bit_count(), row))
        group = _grown([first, second], alike, left)
        bits = sum(1 << row for row in group)
        for row in group:
            left[row] &= ~bits
        found.append(sorted(group))


def _grown(group: list[int], alike: Sequence[int], left: Sequence[int]) -> list[int]:
    """Add rows until each other row differs from one of them; those with the most pairs in ``left`` first."""
    group = list(group)
    bits = sum(1 << row for row in group)
    candidates = _rows(functools.reduce(int.__and__, (alike[row] for row in group)))
    while candidates:
        best = max(candidates, key=lambda row: ((left[row] & bits).bit_count(), left[row].bit_count()))
        group.append(best)
        bits |= 1 << best
        candidates = [row for row in candidates if alike[best] >> row & 1]
    return group


def _rows(bits: int) -> list[int]:
    return [row for row in range(bits.bit_length()) if bits >> row & 1]


def _without_superfluous(sets: list[list[int]]) -> list[list[int]]:
    """Remove sets whose pairs are all in others, the smallest first."""
    times = Counter(pair for group in sets for pair in itertools.combinations(group, 2))
    kept = []
    for group in sorted(sets, key=len):
        pairs = list(itertools.combinations(group, 2))
        if pairs and all(times[pair] > 1 for pair in pairs):
            times.subtract(pairs)
        else:
            kept.append(group)
    return kept


def shortened(cell: str) -> str:
    """The letters of a row for readers: three or more in succession become a range, ``abcf`` becomes ``a-cf``."""
    numbers = [ord(letter[0]) - ord("a") + 26 * int(letter[1:] or 0) for letter in re.findall(r"[a-z][0-9]*", cell)]
    found = []
    for _, run in itertools.groupby(enumerate(numbers), key=lambda item: item[1] - item[0]):
        successive = [_letter(number) for _, number in run]
        found += successive if len(successive) < 3 else [f"{successive[0]}-{successive[-1]}"]
    return "".join(found)


def _letter(number: int) -> str:
    """``a`` to ``z``, then ``a1``, ``b1``, ..."""
    return chr(ord("a") + number % 26) + (str(number // 26) if number >= 26 else "")
