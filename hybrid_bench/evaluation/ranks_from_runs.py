"""The ranks of the relevant passages, from runs of whole pools instead of a score matrix."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from hybrid_bench.results.runs import Hit

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Passages of a pool that is searched exhaustively: XQuAD-R has 13,014, TICO-19 29,400, FLORES-200 30,360, a MIRACL language
#: 49,043 and more.
LARGEST_POOL = 40_000


class Place(NamedTuple):
    """The rank of a relevant passage in a pool.

    Attributes:
        rank: from 1.
        found: whether the run has the passage.
    """

    rank: int
    found: bool


def pool_ids(suite: Suite) -> dict[str, list[str]]:
    """The TREC ids of every pool, ascending; without large suites and pools of over :data:`LARGEST_POOL` passages."""
    found: dict[str, list[str]] = {}
    if suite.large:
        return found
    for collection in suite.collections:
        ids = []
        for record in collection.passages():
            ids.append(suite.trec_id(collection.name, record.doc_id))
            if len(ids) > LARGEST_POOL:
                break
        else:
            found[collection.name] = sorted(ids)
    for pool, inside in suite.pools.items():
        if all(name in found for name in inside) and sum(len(found[name]) for name in inside) <= LARGEST_POOL:
            found[pool] = sorted(trec_id for name in inside for trec_id in found[name])
    return found


def without(pool: list[str], dropped: Iterable[str]) -> list[str]:
    """A sorted pool without some ids, of which it may hold any."""
    for doc_id in dropped:
        at = bisect.bisect_left(pool, doc_id)
        if pool[at : at + 1] == [doc_id]:
            pool = pool[:at] + pool[at + 1 :]
    return pool


def places(
    hits: Sequence[Hit], relevant: Collection[str], pool: Sequence[str], *, exhaustive: bool, depth: int
) -> dict[str, Place] | None:
    """The ranks of the relevant passages of a query.

    A passage that was not retrieved ranks behind all that were; among such, those with the higher id come first, as among
    equal scores. One that is not in the pool ranks right behind it. So every relevant passage has a rank, as it has one in the
    score matrix of an encoder.

    Args:
        hits: what was retrieved, in canonical order.
        relevant: TREC ids.
        pool: all TREC ids, ascending.
        exhaustive: whether a missing passage was not retrieved, rather than cut off.
        depth: only what ranks within it counts as retrieved.

    Returns:
        None if a missing passage may have been cut off.
    """
    if not exhaustive and len(hits) < len(pool):
        return None
    wanted = set(relevant)
    found = {hit.doc_id: Place(rank, rank <= depth) for rank, hit in enumerate(hits, start=1) if hit.doc_id in wanted}
    if missing := wanted - found.keys():
        ids = sorted(hit.doc_id for hit in hits)
        for doc_id in missing:
            at = bisect.bisect_left(pool, doc_id)
            if pool[at : at + 1] != [doc_id]:
                found[doc_id] = Place(len(pool) + 1, False)
                continue
            ahead = (len(pool) - at - 1) - (len(ids) - bisect.bisect_right(ids, doc_id))
            found[doc_id] = Place(len(hits) + 1 + ahead, False)
    return found


class CollectedRanks:
    """Collects the ranks of relevant passages, setting by setting."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._places: dict[tuple[str, str], dict[str, Mapping[str, Place]]] = {}
        self._relevance: dict[str, dict[str, dict[str, int]]] = {}
        self._cut = False

    def add(self, setting: Setting, query_id: str, found: Mapping[str, Place] | None, relevance: Mapping[str, int]) -> None:
        """Add the ranks of a query's relevant passages in a setting; None if they are not known."""
        if found is None:
            self._cut = True
            return
        self._places.setdefault((setting.query_set, setting.pool), {})[query_id] = found
        self._relevance.setdefault(setting.query_set, {}).setdefault(query_id, {}).update(relevance)

    def ranks(self) -> Ranks | None:
        """The ranks; None if some of them are not known, or no single collection was searched.

        Of pools of several collections those in which the ranks of all query sets are known: a mean over some of them is not
        that of the pool.
        """
        by_query_set = {name: self._of_query_set(name) for name in self._relevance}
        known = {name: ranks for name, ranks in by_query_set.items() if ranks is not None}
        several = [(name, pool) for name, pool in self._places if pool in self._suite.pools]
        partial = {pool for name, pool in several if name not in known or pool not in known[name].rank_in}
        whole = {name: _without_pools(ranks, partial) for name, ranks in known.items()}
        return Ranks(whole) if whole and not self._cut else None

    def _of_query_set(self, query_set: str) -> QuerySetRanks | None:
        alone = {of.name: self._places.get((query_set, of.name), {}) for of in self._suite.collections}
        rows = []
        for number, query_id in enumerate(self._relevance[query_set]):
            own = {
                doc_id: (name, place) for name, of_pool in alone.items() for doc_id, place in of_pool.get(query_id, {}).items()
            }
            # In the order of the columns of a score matrix: by id, descending.
            rows += [(number, query_id, doc_id, *own[doc_id]) for doc_id in sorted(own, reverse=True)]
        if not rows:
            return None
        query, query_ids, doc_ids, collections, places_own = zip(*rows, strict=True)
        ids = list(self._relevance[query_set])
        kept = np.unique(query)
        relevance = [self._relevance[query_set][query_id][doc_id] for query_id, doc_id in zip(query_ids, doc_ids, strict=True)]
        in_pools = self._in_pools(query_set, list(zip(query_ids, doc_ids, collections, strict=True)))
        return QuerySetRanks(
            query_ids=[ids[number] for number in kept],
            query=np.searchsorted(kept, query).astype(np.int32),
            collection=np.array(collections),
            doc_id=list(doc_ids),
            relevance=np.array(relevance, dtype=np.int32),
            rank=_ranks(places_own),
            rank_in={pool: _ranks(of_pool) for pool, of_pool in in_pools.items()},
            found=_unless_all(places_own),
            found_in={pool: found for pool, of_pool in in_pools.items() if (found := _unless_all(of_pool)) is not None},
        )

    def _in_pools(self, query_set: str, pairs: Sequence[tuple[str, str, str]]) -> dict[str, list[Place]]:
        """Pool of several collections to the places of (query id, TREC id, collection); pools with unknown ranks are left out."""
        found = {}
        known = {(query_id, doc_id) for query_id, doc_id, _ in pairs}
        for pool, inside in self._suite.pools.items():
            in_pool = self._places.get((query_set, pool), {})
            asked = {(query_id, doc_id) for query_id, of_query in in_pool.items() for doc_id in of_query}
            nowhere = Place(0, True)
            of_pool = [in_pool.get(query_id, {}).get(doc_id) if name in inside else nowhere for query_id, doc_id, name in pairs]
            # A pool counts only where all that is relevant in it has a rank in its own collection too.
            if in_pool and asked <= known and None not in of_pool:
                found[pool] = [place or nowhere for place in of_pool]
        return found


def _without_pools(ranks: QuerySetRanks, pools: Collection[str]) -> QuerySetRanks:
    rank_in = {pool: of_pool for pool, of_pool in ranks.rank_in.items() if pool not in pools}
    found_in = {pool: of_pool for pool, of_pool in ranks.found_in.items() if pool not in pools}
    return dataclasses.replace(ranks, rank_in=rank_in, found_in=found_in)


def _ranks(found: Sequence[Place]) -> NDArray[np.int32]:
    return np.array([place.rank for place in found], dtype=np.int32)


def _unless_all(found: Sequence[Place]) -> NDArray[np.bool_] | None:
    flags = np.array([place.found for place in found])
    return None if flags.all() else flags
