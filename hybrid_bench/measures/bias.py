"""Language bias in the pool of all languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def peer(ranks: Sequence[float] | NDArray[np.int32], groups: Sequence[str]) -> float:
    """Probability of equal expected rank: the p-value of a Kruskal-Wallis test of the ranks between languages.

    1 if there are fewer than two languages. With one passage a language it depends on nothing but their number: the test
    statistic is then always the number of passages less one. Source: Yang et al. 2024 (arXiv 2405.00978).

    Args:
        ranks: of passages of one relevance grade, in the ranking that is judged.
        groups: the language of each.
    """
    from scipy.stats import chi2

    values = np.asarray(ranks, dtype=np.float64)
    _, group, size = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    deviation = values - values.mean() if len(values) else values
    total = float(deviation @ deviation)
    if len(size) < 2 or total == 0:
        return 1.0
    between = float((np.bincount(group, weights=deviation) ** 2 / size).sum())
    return float(chi2.sf((len(values) - 1) * between / total, len(size) - 1))
