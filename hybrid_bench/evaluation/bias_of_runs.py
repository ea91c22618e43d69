"""Measures of bias of a result from runs, where the ranks of all relevant passages are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hybrid_bench.datasets.groups import grouped_by, groups_of
from hybrid_bench.datasets.judged import JudgedQueries
from hybrid_bench.datasets.settings import Attribute, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.measures.bias_scores import ONE_GROUP_ALONE, bias_notes, bias_rows
from hybrid_bench.results.parts import Score
from hybrid_bench.results.ranks import Ranks

NO_DISTANCE = (
    "RankDistance and PEER are left out: they need the rank of every relevant passage, and the runs are cut at a depth or not of "
    "every pool."
)
NOT_FOUND = (
    "Relevant passages that were not retrieved: {share:.1%} in the pool {pool}. In RankDistance and PEER, and only there, they "
    "rank behind all that were retrieved, by descending id; every other measure counts them as not retrieved."
)


def bias_of_runs(
    suite: Suite, scores: Sequence[Score], ranks: Ranks | None, judged: Mapping[str, JudgedQueries]
) -> tuple[list[Score], list[str]]:
    """Scores of bias, and what their reader has to know.

    Args:
        suite: that was searched.
        scores: from its runs.
        ranks: of the relevant passages; None if some of them are not known.
        judged: query set to its queries with their relevant passages.
    """
    asked = [Setting(row.query_set, row.pool, row.setting) for row in scores]
    asked = [setting for setting in dict.fromkeys(asked) if grouped_by(suite, setting.pool)]
    if not asked:
        return [], []
    attributes = dict.fromkeys(attribute for setting in asked for attribute in grouped_by(suite, setting.pool))
    of_asked = {setting.query_set: judged[setting.query_set] for setting in asked}
    alone = [ONE_GROUP_ALONE.format(group=of) for of in attributes if not _spans(suite, of_asked, of)]
    if len(alone) == len(attributes):
        return [], alone
    of_sets = ranks.by_query_set if ranks else {}
    if ranks is None or any(s.query_set not in of_sets or s.pool not in of_sets[s.query_set].rank_in for s in asked):
        return [], [NO_DISTANCE]
    rows = [row for setting in asked for row in bias_rows(suite, of_sets[setting.query_set], setting)]
    return rows, bias_notes(suite, ranks, asked) + (_not_found(ranks, asked) if rows else [])


def _spans(suite: Suite, judged: Mapping[str, JudgedQueries], attribute: Attribute) -> bool:
    """Whether a query has relevant passages of several languages (or domains)."""
    groups = groups_of(suite, attribute)
    for part in judged.values():
        of_query: dict[str, set[str | None]] = {}
        for judgement in part.judgements:
            of_query.setdefault(judgement.query_id, set()).add(groups.get(judgement.collection))
        if any(len(found - {None}) > 1 for found in of_query.values()):
            return True
    return False


def _not_found(ranks: Ranks, settings: Sequence[Setting]) -> list[str]:
    """What was not retrieved in the pools of several collections."""
    notes = []
    for pool in dict.fromkeys(setting.pool for setting in settings):
        found = []
        for setting in settings:
            of = ranks.by_query_set[setting.query_set]
            if setting.pool == pool:
                inside = of.inside(pool)
                found.append(of.found_in.get(pool, np.ones(len(of.query), bool))[inside])
        if share := 1 - float(np.concatenate(found).mean()):
            notes.append(NOT_FOUND.format(share=share, pool=pool))
    return notes
