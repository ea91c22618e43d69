"""Percentile bootstrap over questions (Efron and Tibshirani 1993), for statistics of means of several groups of questions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 10_000
_SEED = 20_240_810
#: Values that are drawn at once.
_BATCH = 4_000_000
#: The most bytes of draws that are kept for the next figure; larger ones, of some thousand questions, are drawn again.
_KEPT = 1 << 24


class Interval(NamedTuple):
    """A statistic with its 95 % confidence interval.

    Attributes:
        value: of all questions.
        low: the 2.5th percentile of the resamples.
        high: the 97.5th.
        p: two-sided, of the value over the standard deviation of the resamples by the normal distribution: a share of resamples
            beyond 0 could not fall below 1 / resamples, which a correction for many comparisons makes large.
    """

    value: float
    low: float
    high: float
    p: float


def bootstrap(
    groups: Sequence[NDArray[np.float64]],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    resamples: int = RESAMPLES,
) -> Interval:
    """Resample the questions of each group.

    Args:
        groups: each (questions, values): what is known of each question, e.g. its AP by two encoders, stays together.
        statistic: from (resamples, all values) means, those of the first group first, to (resamples,) values.
        resamples: that are drawn, with a fixed seed.

    Raises:
        HybridBenchError: if a group has fewer than two questions.
    """
    if any(len(values) < 2 for values in groups):
        raise HybridBenchError(
            "a query set of one question has no confidence interval", "Leave it out, or add questions to its language or domain."
        )
    means = np.concatenate([_means(values, number, resamples) for number, values in enumerate(groups)], axis=1)
    drawn = statistic(means)
    value = float(statistic(np.concatenate([values.mean(axis=0) for values in groups])[None])[0])
    low, high = (float(end) for end in np.percentile(drawn, [2.5, 97.5]))
    spread = float(drawn.std())
    z = abs(value) / spread if spread else math.inf if value else 0.0
    return Interval(value, low, high, math.erfc(z / math.sqrt(2)))


def _means(values: NDArray[np.float64], group: int, resamples: int) -> NDArray[np.float64]:
    """(resamples, values) means of resampled questions."""
    draw = _kept_counts if len(values) * resamples <= _KEPT else _counts
    counts = draw(len(values), group, resamples)
    step = max(1, _BATCH // len(values))
    parts = [counts[start : start + step].astype(np.float64) @ values for start in range(0, resamples, step)]
    return np.concatenate(parts) / len(values)


def _counts(questions: int, group: int, resamples: int) -> NDArray[np.uint8]:
    """(resamples, questions) how often each question is drawn, which is the same for all figures on as many questions."""
    rng = np.random.default_rng([_SEED, group])
    # Of n draws from n questions, none is drawn more than 255 times, but for a probability below 1e-500.
    drawn = (np.bincount(rng.integers(0, questions, questions), minlength=questions) for _ in range(resamples))
    return np.stack([counts.astype(np.uint8) for counts in drawn])


_kept_counts = functools.lru_cache(maxsize=32)(_counts)
