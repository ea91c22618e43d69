"""From ranks to the long-form scores of a result."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.datasets.suite import ALL, Setting, Suite
from hybrid_bench.measures.bias import peer, rank_distance
from hybrid_bench.measures.from_ranks import RankedPairs, parse, per_query
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.results.record import Score

if TYPE_CHECKING:
    from ir_measures import Measure

DEFAULT_MEASURES = ("AP", "AP@20", "RR", "nDCG@10", "R@1", "R@10", "R@100", "P@1")
#: The depth to which the languages of retrieved passages are counted.
SAME_LANGUAGE_DEPTH = 20

_ONE_A_LANGUAGE = (
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
        rows.extend(_bias_rows(suite, ranks.by_language[language], same_language[language], language))
    if biased and not any(row.measure == "RankDistance" for row in rows):
        notes.append(ONE_LANGUAGE_ALONE)
    elif biased and all(_one_a_language(pairs[language]) for language in biased):
        notes.append(_ONE_A_LANGUAGE)
    return rows, notes


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
        single = RankedPairs.of(asked, found.rank, found.relevance)
        return cls(
            pools=found.pools,
            single=single,
            pool=single.number % len(found.pools),
            everything=RankedPairs.of(found.query, found.rank_all, found.relevance) if found.rank_all.any() else None,
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


def _bias_rows(suite: Suite, ranks: LanguageRanks, same_language: NDArray[np.int32], language: str) -> list[Score]:
    setting = Setting(language, ALL)
    rows = []
    if ranks.spans_languages():
        distance = rank_distance(ranks.query, ranks.rank_all)
        if len(distance):
            rows.append(_mean_row(suite, setting, "RankDistance", distance))
            rows.append(score_row(suite, setting, "RankDistance(median)", float(np.median(distance)), len(distance)))
            rows.append(_mean_row(suite, setting, "PEER", peer(ranks.query, ranks.rank_all, ranks.pool)))
    share = same_language / SAME_LANGUAGE_DEPTH
    rows.append(_mean_row(suite, setting, f"SameLanguage@{SAME_LANGUAGE_DEPTH}", share))
    return rows


def _one_a_language(pairs: PoolPairs) -> bool:
    """Whether hardly any query has two relevant passages in one language."""
    return pairs.single.queries > 0.99 * len(pairs.single.query)
