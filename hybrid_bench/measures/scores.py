"""From ranks to the long-form scores of a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.datasets.suite import ALL, Setting, Suite
from hybrid_bench.measures.bias import peer, rank_distance
from hybrid_bench.measures.from_ranks import RankedPairs, parse, per_query
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.results.record import Score

DEFAULT_MEASURES = ("AP", "AP@20", "RR", "nDCG@10", "R@1", "R@10", "R@100", "P@1")
#: The depth to which the languages of retrieved passages are counted.
SAME_LANGUAGE_DEPTH = 20

_ONE_A_LANGUAGE = (
    "PEER is degenerate here: with one relevant passage a language it depends on their number alone. Read RankDistance."
)
_NO_DISTANCE = "RankDistance and PEER are left out: every query has relevant passages in one language alone."


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
    rows: list[Score] = []
    notes = [suite.note] if suite.note else []
    for setting in suite.settings():
        pairs = setting_pairs(ranks, setting)
        if pairs is None:
            continue
        for measure in parsed:
            rows.append(_row(suite, setting, str(measure), per_query(measure, pairs)))
    biased = [language for language in ranks.by_language if language in same_language]
    for language in biased:
        rows.extend(_bias_rows(suite, ranks.by_language[language], same_language[language], language))
    if biased and not any(row.measure == "RankDistance" for row in rows):
        notes.append(_NO_DISTANCE)
    elif biased and all(_one_a_language(ranks.by_language[language]) for language in biased):
        notes.append(_ONE_A_LANGUAGE)
    return rows, notes


def setting_pairs(ranks: Ranks, setting: Setting) -> RankedPairs | None:
    """The relevant passages of a setting with their ranks in its pool; None if no query has any there."""
    inside = ranks.inside(setting.query_language, setting.pool)
    if not inside.any():
        return None
    found = ranks.by_language[setting.query_language]
    rank = found.rank_all if setting.pool == ALL else found.rank
    return RankedPairs.of(found.query[inside], rank[inside], found.relevance[inside])


def _row(suite: Suite, setting: Setting, measure: str, values: NDArray[np.float64] | NDArray[np.int64]) -> Score:
    return Score(
        suite=suite.name,
        setting=setting.kind,
        query_language=setting.query_language,
        pool=setting.pool,
        measure=measure,
        value=float(values.mean()),
        queries=len(values),
    )


def _bias_rows(suite: Suite, ranks: LanguageRanks, same_language: NDArray[np.int32], language: str) -> list[Score]:
    setting = Setting(language, ALL)
    rows = []
    if ranks.spans_languages():
        distance = rank_distance(ranks.query, ranks.rank_all)
        if len(distance):
            rows.append(_row(suite, setting, "RankDistance", distance))
            rows.append(_row(suite, setting, "RankDistance(median)", np.array([np.median(distance)])))
            rows[-1] = rows[-1].model_copy(update={"queries": len(distance)})
            rows.append(_row(suite, setting, "PEER", peer(ranks.query, ranks.rank_all, ranks.passage_language)))
    share = same_language / SAME_LANGUAGE_DEPTH
    rows.append(_row(suite, setting, f"SameLanguage@{SAME_LANGUAGE_DEPTH}", share))
    return rows


def _one_a_language(ranks: LanguageRanks) -> bool:
    _, code = np.unique(ranks.passage_language, return_inverse=True)
    return len(np.unique(ranks.query * (code.max() + 1) + code)) > 0.99 * len(ranks.query)
