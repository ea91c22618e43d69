"""Compact letter display of significance tests: rows that share a letter do not differ significantly."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.evaluation.compare import significant
from hybrid_bench.measures.significance import holm, t_test

Pair = tuple[int, int]


def different_pairs(columns: Mapping[str, Sequence[NDArray[np.float64] | None]]) -> dict[str, set[Pair]]:
    """Column to the pairs of rows that differ significantly, by paired t-tests with Holm's correction over all pairs and columns.

    Args:
        columns: column to the values of each row, one per question, in the same order; None for rows that are not tested.
    """
    tests = [
        (name, pair)
        for name, rows in columns.items()
        for pair in itertools.combinations((at for at, row in enumerate(rows) if row is not None and len(row) > 1), 2)
    ]
    p_values = [t_test(*_both(columns[name], pair)) for name, pair in tests]
    found: dict[str, set[Pair]] = {name: set() for name in columns}
    for (name, pair), p in zip(tests, holm(p_values), strict=True):
        if significant(p):
            found[name].add(pair)
    return found


def _both(rows: Sequence[NDArray[np.float64] | None], pair: Pair) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = rows[pair[0]], rows[pair[1]]
    if a is None or b is None or len(a) != len(b):
        raise ValueError("rows can only be paired on the same questions")
    return a, b


def letters(order: Sequence[int], different: Iterable[Pair]) -> dict[int, str]:
    """Assign letters to rows: two rows share a letter exactly if they do not differ.

    The insert-and-absorb algorithm of Piepho (2004, An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons).

    Args:
        order: the tested rows, best first; the first one gets ``a``.
        different: pairs of rows that differ.
    """
    sets: list[frozenset[int]] = [frozenset(order)] if order else []
    for a, b in different:
        split = []
        for group in sets:
            split += [group - {a}, group - {b}] if {a, b} <= group else [group]
        unique = list(dict.fromkeys(split))
        sets = [group for group in unique if not any(group < other for other in unique)]
    place = {row: at for at, row in enumerate(order)}
    sets.sort(key=lambda group: sorted(place[row] for row in group))
    return {row: "".join(_letter(number) for number, group in enumerate(sets) if row in group) for row in order}


def _letter(number: int) -> str:
    """``a`` to ``z``, then ``a1``, ``b1``, ..."""
    return chr(ord("a") + number % 26) + (str(number // 26) if number >= 26 else "")
