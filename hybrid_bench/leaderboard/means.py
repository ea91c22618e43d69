"""Means over query languages: of all of them, or of those that a reader chooses.

The web page computes the same in the browser (``render/templates/means.js``), operation by operation; a test compares them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from statistics import fmean

#: A column's values: query set to pool to value.
Values = Mapping[str, Mapping[str, float]]


def by_query_set(values: Values, languages: Mapping[str, str], chosen: Collection[str] | None = None) -> dict[str, float]:
    """Query set to the mean over its pools, without those that have none left.

    As :func:`hybrid_bench.results.stated_languages.without` does it: a setting counts if its query set is chosen and its pool is
    not of the language of one that is not. A pool of several collections stays as it was ranked, with the passages of all
    languages.

    Args:
        values: of a column.
        languages: name of each query set and collection to its language; names that are missing have none.
        chosen: names of query sets; None for all.
    """
    kept = {name: values[name] for name in values if chosen is None or name in chosen}
    gone = set() if chosen is None else {languages.get(name) for name in languages.keys() & values.keys() - set(chosen)}
    gone -= {None, *(languages.get(name) for name in kept)}
    means = {}
    for name, of_pool in kept.items():
        if counted := [value for pool, value in of_pool.items() if languages.get(pool) not in gone]:
            means[name] = fmean(counted)
    return means


def mean(values: Values, languages: Mapping[str, str], chosen: Collection[str]) -> float | None:
    """The mean over chosen query sets of :func:`by_query_set`; None unless each of them has a value.

    So means of two rows over the same chosen languages are comparable, also where one row has fewer languages.
    """
    found = by_query_set(values, languages, chosen)
    return fmean(found.values()) if found and len(found) == len(set(chosen)) else None
