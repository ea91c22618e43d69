"""Whether two encoders differ on the same queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.errors import HybridBenchError

#: Sign assignments drawn by the randomisation test.
RESAMPLES = 10_000
_SEED = 20_240_810


class PairedTest(NamedTuple):
    """B against A over the same queries.

    Attributes:
        difference: mean of B - A.
        effect: Cohen's d of the differences, their mean in units of their standard deviation; 0 if all are 0.
        t_test: two-sided p of the paired t-test.
        randomisation: two-sided p of the paired randomisation (sign-flip) test.
        queries: how many pairs.
    """

    difference: float
    effect: float
    t_test: float
    randomisation: float
    queries: int


def paired(a: NDArray[np.float64], b: NDArray[np.float64], resamples: int = RESAMPLES) -> PairedTest:
    """Test whether the values of two encoders differ.

    The t-test is ``scipy.stats.ttest_rel``, the randomisation test ``scipy.stats.permutation_test`` with
    ``permutation_type="samples"`` and a fixed seed: the two tests that Smucker et al. (CIKM 2007) recommend.

    Args:
        a: (queries,) values of the one encoder.
        b: (queries,) values of the other, for the same queries in the same order.
        resamples: of the randomisation test; all sign assignments are used where there are fewer.

    Raises:
        HybridBenchError: if the two are not of one length.
    """
    from scipy import stats

    if a.shape != b.shape or not len(a):
        raise HybridBenchError(f"cannot pair {len(a)} values with {len(b)}", "Compare results of the same suite.")
    difference = b - a
    if not difference.any():
        return PairedTest(0.0, 0.0, 1.0, 1.0, len(a))
    if len(a) == 1:  # the t-test has no degree of freedom, and both signs of one difference are equally far from 0
        return PairedTest(float(difference[0]), 0.0, float("nan"), 1.0, 1)
    spread = float(difference.std(ddof=1))
    drawn = stats.permutation_test(
        (difference,),
        lambda sample, axis: sample.mean(axis=axis),
        permutation_type="samples",
        n_resamples=resamples,
        batch=max(1, 4_000_000 // len(difference)),
        rng=np.random.default_rng(_SEED),
        vectorized=True,
    )
    effect = float(difference.mean()) / spread if spread else 0.0
    return PairedTest(float(difference.mean()), effect, t_test(a, b), float(drawn.pvalue), len(a))


def t_test(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Two-sided p of the paired t-test of two or more pairs, as :func:`paired` reports it."""
    return t_tests(a, b[None])[0]


def t_tests(a: NDArray[np.float64], others: NDArray[np.float64]) -> list[float]:
    """Two-sided p of the paired t-test of one encoder's values against those of each of others.

    Args:
        a: (queries,) values, two or more.
        others: (encoders, queries) values for the same queries in the same order.
    """
    from scipy import stats

    difference = others - a
    # A shift of every query by the same amount has no t statistic, and could not be surer.
    p = np.where(difference.any(axis=1), 0.0, 1.0)
    spread = difference.std(axis=1, ddof=1) > 0
    p[spread] = stats.ttest_1samp(difference[spread], 0, axis=1).pvalue
    return [float(value) for value in p]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979) of p-values of tests that are read together; NaN stays NaN.

    The smallest p is multiplied by the number of tests, the next by one less, and so on; none falls below the one before.
    """
    p = np.asarray(p_values, dtype=np.float64)
    corrected = p.copy()
    order = [index for index in np.argsort(p) if not np.isnan(p[index])]
    running = 0.0
    for step, index in enumerate(order):
        running = max(running, min(1.0, p[index] * (len(order) - step)))
        corrected[index] = running
    return [float(value) for value in corrected]
