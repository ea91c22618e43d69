"""The values of questions: what paired tests compare, slices are means of, and intervals are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.settings import SettingKind
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.bias import rank_distance
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import PoolPairs
from hybrid_bench.results.ranks import QuerySetRanks
from hybrid_bench.results.record import Result

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def by_question(result: Result, asked: Sequence[tuple[SettingKind, str]]) -> list[pd.Series[float]]:
    """Question to its value in a kind of setting: one observation, however many languages and pools it was asked in.

    Args:
        result: with ranks.
        asked: kinds of setting, each with a measure of ir_measures that can be computed from ranks, or RankDistance.

    Returns:
        One series for each that was asked, its questions sorted; empty where there is nothing to average.
    """
    import pandas as pd

    prepared = prepare(result)
    found = (values(result, kind, measure, prepared) for kind, measure in asked)
    return [over_languages(list(of.values())).sort_index() if of else pd.Series(dtype=float) for of in found]


def question_of(result: Result) -> Callable[[str, str], str] | None:
    """What tells the translations of a question, see :attr:`Suite.question_of`; None where their ids do."""
    suite = _suite(result)
    return suite.question_of if suite else None


def unit(result: Result) -> str:
    """What one observation of a test is: ``question``, or what the suite says, such as ``sentence``."""
    suite = _suite(result)
    return suite.unit if suite else Suite.unit


def _suite(result: Result) -> Suite | None:
    """The whole suite of a result; None if it is not known here."""
    try:
        return load_suite(result.rows[0].suite)
    except HybridBenchError:
        return None


class Prepared(NamedTuple):
    """What all measures of a query set need."""

    pairs: PoolPairs
    questions: NDArray[np.object_]
    #: kind of setting to the pools that are looked at
    pools: Mapping[SettingKind, Sequence[str]]


def prepare(result: Result, beside: Sequence[Result] = ()) -> dict[str, Prepared]:
    """By query set.

    Args:
        result: with ranks.
        beside: results that it is compared with: only the settings that they all have count, for runs need not be of all.
    """
    found = {}
    of_suite = question_of(result)
    settings = [setting for setting in result.settings if all(setting in other.settings for other in beside)]
    for name, ranks in result.ranks.by_query_set.items():
        sides = [ranks, *(other.ranks.by_query_set[name] for other in beside if name in other.ranks.by_query_set)]
        if len(sides) <= len(beside):
            continue
        pools: dict[SettingKind, list[str]] = {}
        for setting in settings:
            if setting.query_set == name and all(side.inside(setting.pool).any() for side in sides):
                pools.setdefault(setting.kind, []).append(setting.pool)
        fullest = max(sides, key=lambda side: len(side.query))
        questions = [of_suite(name, query_id) for query_id in ranks.query_ids] if of_suite else _questions(ranks, fullest)
        found[name] = Prepared(PoolPairs.of(ranks), np.array(questions, dtype=object), pools)
    return found


def values(result: Result, kind: SettingKind, measure: str, prepared: dict[str, Prepared]) -> dict[str, pd.Series[float]]:
    """Query set to the values of its questions, each the mean over the settings of a kind.

    A question is known by what the suite says that its translations share, or else by its id and its relevant passages, which
    translations share.
    """
    import pandas as pd

    found = {}
    for name, (pairs, questions, pools) in prepared.items():
        ranks = result.ranks.by_query_set[name]
        if measure.startswith("RankDistance"):
            # A result without RankDistance has relevant passages whose rank is not known.
            stated = {(row.query_set, row.pool) for row in result.rows if row.measure == measure}
            for pool in (pool for pool in pools.get(kind, ()) if (name, pool) in stated):
                inside = ranks.inside(pool)
                several = np.flatnonzero(np.bincount(ranks.query[inside], minlength=len(ranks.query_ids)) > 1)
                distance = rank_distance(ranks.query[inside], ranks.rank_in[pool][inside])
                found[name] = pd.Series(distance, questions[several], dtype=float)
            continue
        of_pool = pairs.values(parse([measure])[0])
        total, count = np.zeros(len(ranks.query_ids)), np.zeros(len(ranks.query_ids))
        for pool in sorted(pools.get(kind, ())):
            rows = np.unique(ranks.query[ranks.inside(pool)])
            total[rows] += of_pool[pool]
            count[rows] += 1
        if count.any():
            found[name] = pd.Series(total[count > 0] / count[count > 0], questions[count > 0])
    return found


def over_languages(values: Sequence[pd.Series[float]]) -> pd.Series[float]:
    """Question to the mean over the languages that it is asked in."""
    import pandas as pd

    return pd.concat(list(values)).groupby(level=0, sort=False).mean()


def _questions(ranks: QuerySetRanks, fullest: QuerySetRanks) -> list[str]:
    """(queries,) what a query has in common with its translations, and with no other query.

    Args:
        ranks: whose queries.
        fullest: ranks of the same queries that have passages of more languages.
    """
    passage = {fullest.query_ids[number]: doc_id for number, doc_id in zip(fullest.query.tolist(), fullest.doc_id, strict=True)}
    return [f"{query_id}\t{passage[query_id]}" for query_id in ranks.query_ids]
