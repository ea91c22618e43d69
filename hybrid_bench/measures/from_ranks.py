"""AP, RR, nDCG, R, P and Success from the ranks of the relevant passages alone.

The definitions are trec_eval's, which ir_measures uses; a passage that is not relevant never has to be looked at.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    from ir_measures import Measure
    from numpy.typing import NDArray


@dataclass(frozen=True)
class RankedPairs:
    """The relevant passages of some queries in one pool.

    Attributes:
        number: (queries,) the caller's number of each query, ascending; every one has a relevant passage.
        query: (pairs,) index into ``number``, ascending.
        rank: (pairs,) from 1, ascending for each query; infinite where the passage was not found.
        relevance: (pairs,) 1 or more.
    """

    number: NDArray[np.int64]
    query: NDArray[np.int64]
    rank: NDArray[np.int32] | NDArray[np.float64]
    relevance: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        query: NDArray[np.int32] | NDArray[np.int64],
        rank: NDArray[np.int32] | NDArray[np.float64],
        relevance: NDArray[np.int32],
    ) -> RankedPairs:
        """Sort pairs; queries without a pair are left out."""
        order = np.lexsort((rank, query))
        ordered = query[order].astype(np.int64)
        first = np.diff(ordered, prepend=-1) != 0
        return cls(ordered[first], np.cumsum(first) - 1, rank[order], relevance[order])

    @property
    def queries(self) -> int:
        """How many queries."""
        return len(self.number)

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(pairs,) values summed for each query: (queries,)."""
        return np.bincount(self.query, weights=values, minlength=self.queries).astype(np.float64, copy=False)

    @functools.cached_property
    def relevant(self) -> NDArray[np.float64]:
        """(queries,) how many passages are relevant."""
        return np.bincount(self.query, minlength=self.queries).astype(np.float64)

    @functools.cached_property
    def place(self) -> NDArray[np.int64]:
        """(pairs,) 1 for the first relevant passage of its query, 2 for the next, ..."""
        return np.arange(len(self.query)) - np.searchsorted(self.query, self.query) + 1


def _average_precision(pairs: RankedPairs, cutoff: float) -> NDArray[np.float64]:
    return pairs.sums(np.where(pairs.rank <= cutoff, pairs.place / pairs.rank, 0)) / pairs.relevant


def _reciprocal_rank(pairs: RankedPairs, cutoff: float) -> NDArray[np.float64]:
    return pairs.sums(np.where((pairs.place == 1) & (pairs.rank <= cutoff), 1 / pairs.rank, 0))


def _hits(pairs: RankedPairs, cutoff: float) -> NDArray[np.float64]:
    return pairs.sums((pairs.rank <= cutoff).astype(np.float64))


def _recall(pairs: RankedPairs, cutoff: float) -> NDArray[np.float64]:
    return _hits(pairs, cutoff) / pairs.relevant


def _precision(pairs: RankedPairs, cutoff: float) -> NDArray[np.float64]:
    return _hits(pairs, cutoff) / cutoff


def _success(pairs: RankedPairs, cutoff: float) -> NDArray[np.float64]:
    return np.minimum(_hits(pairs, cutoff), 1)


def _ndcg(pairs: RankedPairs, cutoff: float) -> NDArray[np.float64]:
    """Gain = grade, discount = log2(rank + 1)."""

    def dcg(
        rank: NDArray[np.int64] | NDArray[np.int32] | NDArray[np.float64], relevance: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        return pairs.sums(np.where(rank <= cutoff, relevance / np.log2(rank + 1.0), 0))

    best_first = pairs.relevance[np.lexsort((-pairs.relevance, pairs.query))]
    return dcg(pairs.rank, pairs.relevance) / dcg(pairs.place, best_first)


_FORMULAS: dict[str, Callable[[RankedPairs, float], NDArray[np.float64]]] = {
    "AP": _average_precision,
    "RR": _reciprocal_rank,
    "nDCG": _ndcg,
    "R": _recall,
    "P": _precision,
    "Success": _success,
}
_NEED_CUTOFF = {"R", "P", "Success"}


def known(names: Sequence[str]) -> list[Measure]:
    """The measures of these names: any that ir_measures has.

    Raises:
        HybridBenchError: if ir_measures does not know one, or none is named.
    """
    import ir_measures

    measures = []
    for name in names:
        try:
            measures.append(ir_measures.parse_measure(name))
        except (ValueError, NameError, SyntaxError, AssertionError, KeyError) as error:
            raise HybridBenchError(f"ir_measures does not know the measure {name!r}", "Examples: AP nDCG@10 R@100.") from error
    if not measures:
        raise HybridBenchError("no measure is named", "Examples: AP nDCG@10 R@100.")
    return measures


def parse(names: list[str]) -> list[Measure]:
    """The measures of these names.

    Raises:
        HybridBenchError: if ir_measures does not know one, or it cannot be computed from ranks.
    """
    measures = []
    for name, measure in zip(names, known(names), strict=True):
        if measure.NAME not in _FORMULAS or set(measure.params) - {"cutoff"}:
            raise HybridBenchError(
                f"the measure {name!r} cannot be computed from ranks",
                f"Choose from {', '.join(_FORMULAS)} with @cutoff, or score a run (--runs) with ir_measures.",
            )
        if measure.NAME in _NEED_CUTOFF and "cutoff" not in measure.params:
            raise HybridBenchError(f"the measure {name!r} needs a cut-off", f"For example {name}@10.")
        cutoff = measure.params.get("cutoff", 1)
        if type(cutoff) is not int or cutoff < 1:
            raise HybridBenchError(f"the cut-off of the measure {name!r} is not a whole number from 1", f"Try {measure.NAME}@10.")
        measures.append(measure)
    return measures


def per_query(measure: Measure, pairs: RankedPairs) -> NDArray[np.float64]:
    """(queries,) the value for each query; ``measure`` is one that :func:`parse` returned."""
    cutoff = measure.params.get("cutoff", np.inf)
    return _FORMULAS[str(measure.NAME)](pairs, cutoff)
