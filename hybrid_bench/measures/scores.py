"""From ranks to the long-form scores of a result."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.datasets.suite import Suite
from hybrid_bench.measures.bias_scores import GroupCounts, bias_notes, bias_rows, same_group_rows
from hybrid_bench.measures.from_ranks import RankedPairs, parse, per_query
from hybrid_bench.measures.rows import score_row
from hybrid_bench.results.parts import Score
from hybrid_bench.results.ranks import QuerySetRanks, Ranks

if TYPE_CHECKING:
    from ir_measures import Measure

#: The measures of an evaluation by default.
DEFAULT_MEASURES = ("AP", "AP@20", "RR", "nDCG@10", "R@1", "R@10", "R@100", "P@1")


def score_ranks(
    suite: Suite, ranks: Ranks, same_group: Mapping[str, GroupCounts], measures: Sequence[str]
) -> tuple[list[Score], list[str]]:
    """Average every measure in every setting that has queries, and measure bias in every pool of several collections.

    Args:
        suite: gives the settings and their order.
        ranks: of the relevant passages.
        same_group: query set to how many of the first passages of a pool are of the query's language or domain.
        measures: names that ir_measures knows.

    Returns:
        The scores, and notes for their readers.
    """
    parsed = parse(list(measures))
    notes = [suite.note] if suite.note else []
    pairs = {name: PoolPairs.of(found) for name, found in ranks.by_query_set.items()}
    values = {name: [(str(measure), of.values(measure)) for measure in parsed] for name, of in pairs.items()}
    rows = [
        score_row(suite, setting, measure, float(of_pool[setting.pool].mean()), len(of_pool[setting.pool]))
        for setting in suite.settings
        for measure, of_pool in values.get(setting.query_set, ())
        if setting.pool in of_pool
    ]
    asked = [setting for setting in suite.settings if setting.pool in suite.pools and setting.query_set in ranks.by_query_set]
    for setting in asked:
        rows += bias_rows(suite, ranks.by_query_set[setting.query_set], setting)
        rows += same_group_rows(suite, ranks.by_query_set[setting.query_set], setting, same_group.get(setting.query_set, {}))
    return rows, notes + bias_notes(suite, ranks, asked)


@dataclass(frozen=True)
class PoolPairs:
    """The relevant passages of the queries of a query set in every pool, so that all pools are scored at once."""

    collections: tuple[str, ...]
    single: RankedPairs  #: each query in each collection counts as one query
    collection: NDArray[np.int64]  #: (queries of ``single``,) index into ``collections``
    pools: Mapping[str, RankedPairs]  #: pool of several collections to its pairs

    @classmethod
    def of(cls, found: QuerySetRanks) -> PoolPairs:
        """Sort the pairs of a query set once, for all measures."""
        asked = found.query * np.int64(len(found.collections)) + found.collection_index
        single = RankedPairs.of(asked, _counted(found.rank, found.found), found.relevance)
        pools = {}
        for pool, rank in found.rank_in.items():
            inside = rank > 0
            if inside.any():
                counted = _counted(rank, found.found_in.get(pool))
                pools[pool] = RankedPairs.of(found.query[inside], counted[inside], found.relevance[inside])
        return cls(found.collections, single, single.number % len(found.collections), pools)

    @functools.cached_property
    def _inside(self) -> list[NDArray[np.int64]]:
        """For each collection the queries of ``single`` that are asked there."""
        return [np.flatnonzero(self.collection == number) for number in range(len(self.collections))]

    def values(self, measure: Measure) -> dict[str, NDArray[np.float64]]:
        """Pool to (queries that count there,) values, in the order of :meth:`Ranks.query_ids`."""
        single = per_query(measure, self.single)
        values = {name: single[inside] for name, inside in zip(self.collections, self._inside, strict=True)}
        return values | {pool: per_query(measure, pairs) for pool, pairs in self.pools.items()}


def _counted(rank: NDArray[np.int32], found: NDArray[np.bool_] | None) -> NDArray[np.int32] | NDArray[np.float64]:
    """The ranks by which measures count: a passage that was not retrieved has none within any cut-off."""
    return rank if found is None else np.where(found, rank, np.inf)
