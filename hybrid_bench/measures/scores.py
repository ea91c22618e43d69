"""From ranks to the long-form scores of a result."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.measures.bias import peer, rank_distance
from hybrid_bench.measures.from_ranks import RankedPairs, parse, per_query
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.results.record import Score

if TYPE_CHECKING:
    from ir_measures import Measure

DEFAULT_MEASURES = ("AP", "AP@20", "RR", "nDCG@10", "R@1", "R@10", "R@100", "P@1")
#: The depth to which the languages of retrieved passages are counted.
SAME_LANGUAGE_DEPTH = 20

#: The note on PEER.
ONE_A_LANGUAGE = (
    "PEER is degenerate here: with one relevant passage a language it depends on their number alone. Read RankDistance."
)
#: Why a pool has no RankDistance.
ONE_LANGUAGE_ALONE = "RankDistance and PEER are left out: every query has relevant passages in one language alone."


def score_ranks(
    suite: Suite, ranks: Ranks, same_language: Mapping[str, NDArray[np.int32]], measures: Sequence[str]
) -> tuple[list[Score], list[str]]:
    """Average every measure in every setting that has queries, and measure language bias where there is a pool of all.

    Args:
        suite: gives the settings and their order.
        ranks: of the relevant passages.
        same_language: query language to (queries,) passages in the query's language among the first 20 of all.
        measures: names that ir_measures knows.

    Returns:
        The scores, and notes for their readers.
    """
    parsed = parse(list(measures))
    notes = [suite.note] if suite.note else []
    pairs = {language: PoolPairs.of(found) for language, found in ranks.by_language.items()}
    values = {
        language: [(str(measure), of_language.values(measure)) for measure in parsed] for language, of_language in pairs.items()
    }
    rows = [
        _mean_row(suite, setting, measure, of_pool[setting.pool])
        for setting in suite.settings()
        for measure, of_pool in values.get(setting.query_language, ())
        if setting.pool in of_pool
    ]
    biased = [language for language in ranks.by_language if language in same_language]
    for language in biased:
        rows += distance_rows(suite, ranks.by_language[language], language)
        share = same_language[language] / SAME_LANGUAGE_DEPTH
        rows.append(_mean_row(suite, Setting(language, ALL), f"SameLanguage@{SAME_LANGUAGE_DEPTH}", share))
    return rows, notes + bias_notes(rows, {language: pairs[language] for language in biased})


@dataclass(frozen=True)
class PoolPairs:
    """The relevant passages of the queries of one language in every pool, so that all pools are scored at once."""

    pools: tuple[str, ...]
    single: RankedPairs  #: each query in each single pool counts as one query
    pool: NDArray[np.int64]  #: (queries of ``single``,) index into ``pools``
    everything: RankedPairs | None  #: in the pool of all, where there is one

    @classmethod
    def of(cls, found: LanguageRanks) -> PoolPairs:
        """Sort the pairs of a language once, for all measures."""
        asked = found.query * np.int64(len(found.pools)) + found.pool
        rank, rank_all = _counted(found.rank, found.found), _counted(found.rank_all, found.found_all)
        single = RankedPairs.of(asked, rank, found.relevance)
        return cls(
            pools=found.pools,
            single=single,
            pool=single.number % len(found.pools),
            everything=RankedPairs.of(found.query, rank_all, found.relevance) if found.rank_all.any() else None,
        )

    @functools.cached_property
    def _inside(self) -> list[NDArray[np.int64]]:
        """For each pool the queries of ``single`` that are asked there."""
        return [np.flatnonzero(self.pool == number) for number in range(len(self.pools))]

    def values(self, measure: Measure) -> dict[str, NDArray[np.float64]]:
        """Pool to (queries that count there,) values, in the order of :meth:`Ranks.query_ids`."""
        single = per_query(measure, self.single)
        values = {name: single[inside] for name, inside in zip(self.pools, self._inside, strict=True)}
        return values if self.everything is None else values | {ALL: per_query(measure, self.everything)}


def _counted(rank: NDArray[np.int32], found: NDArray[np.bool_] | None) -> NDArray[np.int32] | NDArray[np.float64]:
    """The ranks by which measures count: a passage that was not found has none within reach."""
    return rank if found is None else np.where(found, rank, np.inf)


def score_row(suite: Suite, setting: Setting, measure: str, value: float, queries: int) -> Score:
    """A measure of a setting, averaged over its queries."""
    return Score(
        suite=suite.name,
        setting=setting.kind,
        query_language=setting.query_language,
        pool=setting.pool,
        measure=measure,
        value=value,
        queries=queries,
    )


def _mean_row(suite: Suite, setting: Setting, measure: str, values: NDArray[np.float64] | NDArray[np.int64]) -> Score:
    return score_row(suite, setting, measure, float(values.mean()), len(values))


def distance_rows(suite: Suite, ranks: LanguageRanks, language: str) -> list[Score]:
    """How far the relevant passages of a language's queries lie apart in the pool of all, where they are in several languages."""
    if not ranks.spans_languages():
        return []
    setting = Setting(language, ALL)
    distance = rank_distance(ranks.query, ranks.rank_all)
    if not len(distance):
        return []
    return [
        _mean_row(suite, setting, "RankDistance", distance),
        score_row(suite, setting, "RankDistance(median)", float(np.median(distance)), len(distance)),
        _mean_row(suite, setting, "PEER", peer(ranks.query, ranks.rank_all, ranks.pool)),
    ]


def bias_notes(rows: Sequence[Score], pairs: Mapping[str, PoolPairs]) -> list[str]:
    """What a reader of the bias measures has to know.

    Args:
        rows: all scores.
        pairs: of the query languages that were asked on the pool of all.
    """
    if pairs and not any(row.measure == "RankDistance" for row in rows):
        return [ONE_LANGUAGE_ALONE]
    return [ONE_A_LANGUAGE] if pairs and all(map(_one_a_language, pairs.values())) else []


def _one_a_language(pairs: PoolPairs) -> bool:
    """Whether hardly any query has two relevant passages in one language."""
    return pairs.single.queries > 0.99 * len(pairs.single.query)
