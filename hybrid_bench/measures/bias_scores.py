"""Scores of bias in pools of several collections, by language, domain or any other attribute of collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.datasets.groups import grouped_by, groups_of
from hybrid_bench.datasets.settings import ATTRIBUTES, Attribute, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.measures.bias import peer, rank_distance
from hybrid_bench.measures.rows import score_row
from hybrid_bench.results.parts import Score
from hybrid_bench.results.ranks import QuerySetRanks, Ranks

#: The depth to which the groups of retrieved passages are counted.
GROUP_DEPTH = 20

#: (pool, attribute) to (queries,) passages of the query's group among the first :data:`GROUP_DEPTH` of the pool.
GroupCounts = Mapping[tuple[str, Attribute], NDArray[np.int32]]

#: The note on PEER.
ONE_A_GROUP = "PEER is degenerate here: with one relevant passage a {group} it depends on their number alone. Read RankDistance."
#: Why a pool has no RankDistance.
ONE_GROUP_ALONE = "RankDistance and PEER are left out: every query has relevant passages in one {group} alone."


def distance_name(attribute: Attribute) -> str:
    """``RankDistance`` by language, ``RankDistance(domain)`` by domain."""
    return "RankDistance" if attribute == "language" else f"RankDistance({attribute})"


def peer_name(attribute: Attribute) -> str:
    """``PEER`` by language, ``PEER(domain)`` by domain."""
    return "PEER" if attribute == "language" else f"PEER({attribute})"


def same_group_name(attribute: Attribute, depth: int = GROUP_DEPTH) -> str:
    """``SameLanguage@20``, ``SameDomain@20``: SameGroup@20 by that attribute."""
    return f"Same{attribute.capitalize()}@{depth}"


def first_name(group: str) -> str:
    """``First(de)``: how often the first relevant passage is of that language or domain."""
    return f"First({group})"


def bias_measures() -> list[str]:
    """The names of all measures of bias in results."""
    return [name(attribute) for name in (distance_name, peer_name, same_group_name) for attribute in ATTRIBUTES]


def spans(suite: Suite, ranks: QuerySetRanks, pool: str, attribute: Attribute) -> bool:
    """Whether relevant passages are in several languages (or domains) of a pool, and their ranks there are known."""
    if pool not in ranks.rank_in:
        return False
    groups = groups_of(suite, attribute)
    return len(ranks.values_of({name: groups[name] for name in suite.pool(pool)})) > 1


def bias_rows(suite: Suite, ranks: QuerySetRanks, setting: Setting) -> list[Score]:
    """RankDistance and PEER of a setting on a pool, by every attribute in which its relevant passages differ."""
    rows = []
    for attribute in grouped_by(suite, setting.pool):
        if not spans(suite, ranks, setting.pool, attribute):
            continue
        inside = ranks.inside(setting.pool)
        query, rank = ranks.query[inside], ranks.rank_in[setting.pool][inside]
        groups = groups_of(suite, attribute)
        distance = rank_distance(query, rank)
        if not len(distance):
            continue
        name = distance_name(attribute)
        rows.append(score_row(suite, setting, name, float(distance.mean()), len(distance)))
        if attribute == "language":
            rows.append(score_row(suite, setting, f"{name}(median)", float(np.median(distance)), len(distance)))
        values = peer(query, rank, ranks.group_index(groups)[inside])
        rows.append(score_row(suite, setting, peer_name(attribute), float(values.mean()), len(values)))
        if getattr(suite.query_set(setting.query_set), attribute) is None:
            rows += _first_rows(suite, setting, query, rank, np.array([str(groups[of]) for of in ranks.collection[inside]]))
    return rows


def _first_rows(
    suite: Suite, setting: Setting, query: NDArray[np.int32], rank: NDArray[np.int32], group: NDArray[np.str_]
) -> list[Score]:
    """First(group) of queries that have no language (or domain) of their own, such as images: which groups are favoured.

    It is the share of queries of which the relevant passage that ranks first is of the group.
    """
    order = np.lexsort((rank, query))
    first = group[order][np.flatnonzero(np.diff(query[order], prepend=-1))]
    return [
        score_row(suite, setting, first_name(name), float((first == name).mean()), len(first))
        for name in np.unique(group).tolist()
    ]


def same_group_rows(suite: Suite, ranks: QuerySetRanks, setting: Setting, counts: GroupCounts) -> list[Score]:
    """SameGroup@20 of a setting: the share of the first passages that are of the query's group, by attribute.

    Args:
        suite: of the setting.
        ranks: of the setting's query set; they tell which queries count in its pool.
        setting: on a pool of several collections.
        counts: for every query of the ranks.
    """
    counted = np.unique(ranks.query[ranks.inside(setting.pool)])
    return [
        score_row(suite, setting, same_group_name(attribute), float((of_query[counted] / GROUP_DEPTH).mean()), len(counted))
        for (pool, attribute), of_query in counts.items()
        if pool == setting.pool and len(counted)
    ]


def bias_notes(suite: Suite, ranks: Ranks, settings: Sequence[Setting]) -> list[str]:
    """What a reader of the bias measures has to know.

    Args:
        suite: of the settings.
        ranks: of the relevant passages.
        settings: those on pools of several collections.
    """
    notes = []
    for attribute in dict.fromkeys(of for setting in settings for of in grouped_by(suite, setting.pool)):
        asked = [setting for setting in settings if attribute in grouped_by(suite, setting.pool)]
        groups = groups_of(suite, attribute)
        found = [ranks.by_query_set[setting.query_set] for setting in asked]
        if not any(len(of.values_of(groups)) > 1 for of in found):
            notes.append(ONE_GROUP_ALONE.format(group=attribute))
        elif all(_one_a_group(of, groups) for of in found):
            notes.append(ONE_A_GROUP.format(group=attribute))
    return notes


def _one_a_group(ranks: QuerySetRanks, groups: Mapping[str, str | None]) -> bool:
    """Whether hardly any query has two relevant passages in one group."""
    group = ranks.group_index(groups)
    several = len(np.unique(ranks.query * np.int64(group.max(initial=0) + 1) + group))
    return several > 0.99 * len(ranks.query)
