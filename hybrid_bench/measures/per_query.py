"""The scores of single queries, from the ranks of a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.bias import rank_distance
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import PoolPairs
from hybrid_bench.results.ranks import QuerySetRanks
from hybrid_bench.results.record import Result

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_DISTANCE = "RankDistance"


def per_query(result: Result, measures: Sequence[str] = ()) -> pd.DataFrame:
    """One row a query, setting and measure.

    Args:
        result: with ranks.
        measures: that can be computed from ranks, and RankDistance; by default those of the result.

    Returns:
        query_set, pool, setting, query_id, measure, value, and ranks: those of the query's relevant passages in the pool,
        ascending, without passages that were not retrieved. The mean of the values of a setting is its score in the result.

    Raises:
        HybridBenchError: if the result has no ranks, or a measure cannot be computed from them.
    """
    import pandas as pd

    asked = [*measures] or _from_ranks(result)
    formulas = parse([name for name in asked if name != _DISTANCE]) if set(asked) - {_DISTANCE} else []
    frames = []
    for name, ranks in result.ranks.by_query_set.items():
        pairs = PoolPairs.of(ranks)
        values = {str(measure): pairs.values(measure) for measure in formulas}
        for setting in (setting for setting in result.settings if setting.query_set == name):
            inside = ranks.inside(setting.pool)
            if not inside.any():
                continue
            rows = np.unique(ranks.query[inside])
            about = pd.DataFrame({"query_id": np.asarray(ranks.query_ids, dtype=object)[rows]})
            about = about.assign(query_set=name, pool=setting.pool, setting=setting.kind)
            about["ranks"] = _found(ranks, setting.pool, inside)
            frames += [about.assign(measure=measure, value=of_pool[setting.pool]) for measure, of_pool in values.items()]
            if _DISTANCE in asked and _states_distance(result, name, setting.pool):
                several = np.bincount(ranks.query[inside], minlength=len(ranks.query_ids))[rows] > 1
                distance = rank_distance(ranks.query[inside], ranks.rank_in[setting.pool][inside])
                frames.append(about[several].assign(measure=_DISTANCE, value=distance.astype(np.float64)))
    columns = ["query_set", "pool", "setting", "query_id", "measure", "value", "ranks"]
    if not frames:
        raise HybridBenchError(f"the result of {result.name} has no query with {' or '.join(asked)}")
    return pd.concat(frames, ignore_index=True)[columns]


def _from_ranks(result: Result) -> list[str]:
    """The measures of a result that ranks give."""
    found = []
    for measure in dict.fromkeys(row.measure for row in result.rows):
        try:
            found += [measure] if measure == _DISTANCE or parse([measure]) else []
        except HybridBenchError:  # another measure of bias, or one of runs
            continue
    return found


def _found(ranks: QuerySetRanks, pool: str, inside: NDArray[np.bool_]) -> list[list[int]]:
    """For each query with a relevant passage in the pool the ranks of those that were retrieved."""
    rank = ranks.rank_in.get(pool, ranks.rank)[inside]
    flags = ranks.found_in.get(pool) if pool in ranks.rank_in else ranks.found
    query = ranks.query[inside]
    of_query: dict[int, list[int]] = {int(number): [] for number in np.unique(query)}
    for at in np.lexsort((rank, query)):
        if flags is None or flags[inside][at]:
            of_query[int(query[at])].append(int(rank[at]))
    return list(of_query.values())


def _states_distance(result: Result, query_set: str, pool: str) -> bool:
    return any((row.query_set, row.pool, row.measure) == (query_set, pool, _DISTANCE) for row in result.rows)
