"""Language bias in the pool of all languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rank_distance(query: NDArray[np.int32], rank: NDArray[np.int32]) -> NDArray[np.int64]:
    """Largest minus smallest rank of each query's relevant passages.

    0 is a pool ranked without regard to language. Source: Elmahdy et al. 2024 (arXiv 2408.10536), section 4.1.

    Args:
        query: (pairs,) ascending.
        rank: (pairs,) from 1.

    Returns:
        (queries,) for the queries with at least two relevant passages.
    """
    starts = np.flatnonzero(np.diff(query, prepend=-1))
    gap = np.maximum.reduceat(rank, starts).astype(np.int64) - np.minimum.reduceat(rank, starts)
    several = np.diff(starts, append=len(query)) > 1
    return gap[several]


def peer(
    query: NDArray[np.int32], rank: NDArray[np.int32] | NDArray[np.float64], group: NDArray[np.str_] | NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probability of equal expected rank: the p-value of a Kruskal-Wallis test of the ranks between languages.

    1 if there are fewer than two languages. With one passage a language it depends on nothing but their number: the test
    statistic is then always the number of passages less one. Source: Yang et al. 2024 (arXiv 2405.00978).

    Args:
        query: (pairs,) ascending; the passages of one relevance grade.
        rank: (pairs,) in the ranking that is judged.
        group: (pairs,) the passage's language.

    Returns:
        (queries,) for the queries with at least two relevant passages.
    """
    from scipy.stats import chi2

    _, number, size = np.unique(query, return_inverse=True, return_counts=True)
    languages, code = np.unique(group, return_inverse=True)
    deviation = rank - (np.bincount(number, weights=rank) / size)[number]
    total = np.bincount(number, weights=deviation**2)
    cell = number * len(languages) + code
    cells = len(size) * len(languages)
    count = np.bincount(cell, minlength=cells).reshape(len(size), -1)
    inside = np.bincount(cell, weights=deviation, minlength=cells).reshape(len(size), -1)
    between = (inside**2 / np.maximum(count, 1)).sum(axis=1)
    freedom = (count > 0).sum(axis=1) - 1
    tested = (freedom > 0) & (total > 0)
    p_value = np.ones(len(size))
    p_value[tested] = chi2.sf((size[tested] - 1) * between[tested] / total[tested], freedom[tested])
    return p_value[size > 1]
