"""The ranks of the relevant passages, from runs of whole pools instead of a score matrix."""

from __future__ import annotations

import bisect
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.results.runs import Hit

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Passages of a pool that is searched to its end: XQuAD-R has 13,014 and MLQA-R 20,534, a MIRACL language 49,043 and more.
LARGEST_POOL = 25_000


class Place(NamedTuple):
    """Where a relevant passage stands in a pool.

    Attributes:
        rank: from 1.
        found: whether the run has it.
    """

    rank: int
    found: bool


def pool_ids(suite: Suite) -> dict[str, list[str]]:
    """The ids of every pool of a suite, ascending; without pools of over :data:`LARGEST_POOL` passages and streamed suites."""
    found: dict[str, list[str]] = {}
    if suite.streamed:
        return found
    for language in suite.passage_languages:
        ids = []
        for doc in suite.docs(language):
            ids.append(doc.doc_id)
            if len(ids) > LARGEST_POOL:
                break
        else:
            found[language] = sorted(ids)
    if suite.pooled and ALL not in found and len(found) == len(suite.passage_languages) > 1:
        everything = sorted(doc_id for ids in found.values() for doc_id in ids)
        if len(everything) <= LARGEST_POOL:
            found[ALL] = everything
    return found


def places(
    hits: Sequence[Hit], relevant: Collection[str], pool: Sequence[str], *, exhaustive: bool, depth: int
) -> dict[str, Place] | None:
    """Where the relevant passages of a query stand.

    A passage that was not found stands behind all that were; among such, those with the higher id stand first, as among equal
    scores. By that every relevant passage has a rank, as it has one in the score matrix of an encoder.

    Args:
        hits: what was found, in canonical order, to the end of the pool.
        relevant: document ids, all in the pool.
        pool: all document ids, ascending.
        exhaustive: whether what is missing was not found, rather than cut off.
        depth: only what stands within it counts as found.

    Returns:
        None if what is missing may have been cut off.

    Raises:
        HybridBenchError: if a relevant passage is not in the pool.
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
                raise HybridBenchError(f"the relevant passage {doc_id!r} is not in the collection", "Check the qrels.")
            ahead = (len(pool) - at - 1) - (len(ids) - bisect.bisect_right(ids, doc_id))
            found[doc_id] = Place(len(hits) + 1 + ahead, False)
    return found


class CollectedRanks:
    """Gathers places, setting by setting, into the ranks of a result."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._places: dict[Setting, dict[str, Mapping[str, Place]]] = {}
        self._relevance: dict[str, dict[str, dict[str, int]]] = {}
        self._cut = False

    def add(self, setting: Setting, query_id: str, found: Mapping[str, Place] | None, relevance: Mapping[str, int]) -> None:
        """Take the places of a query's relevant passages in a setting; None if they are not known."""
        if found is None:
            self._cut = True
            return
        self._places.setdefault(setting, {})[query_id] = found
        self._relevance.setdefault(setting.query_language, {}).setdefault(query_id, {}).update(relevance)

    def ranks(self) -> Ranks | None:
        """The ranks; None if some of them are not known, or no pool of a single language was searched."""
        by_language = {language: self._of_language(language) for language in self._relevance}
        known = {language: ranks for language, ranks in by_language.items() if ranks is not None}
        return Ranks(known) if known and not self._cut else None

    def _of_language(self, language: str) -> LanguageRanks | None:
        single = [pool for pool in self._suite.passage_languages if Setting(language, pool) in self._places]
        several = len(self._suite.passage_languages) > 1
        in_all = self._places.get(Setting(language, ALL), {})
        rows = []
        for number, query_id in enumerate(self._relevance[language]):
            own = {
                doc_id: (pool, place)
                for pool in single
                for doc_id, place in self._places[Setting(language, pool)].get(query_id, {}).items()
            }
            # In the order of the columns of a score matrix: by id, descending.
            for doc_id in sorted(own, reverse=True):
                rows.append((number, doc_id, *own[doc_id], in_all.get(query_id, {}).get(doc_id)))
        if not rows:
            return None
        query, doc_ids, pools, places_own, places_all = zip(*rows, strict=True)
        # The pool of all is told of only where all that is relevant in it has a rank in its own pool too.
        whole = bool(in_all) and all(set(found) <= set(doc_ids) for found in in_all.values()) and None not in places_all
        ids = list(self._relevance[language])
        kept = np.unique(query)
        nowhere = [Place(0, True)] * len(rows)
        everywhere = places_all if several and whole else places_own if single == [ALL] else nowhere
        return LanguageRanks(
            query_ids=[ids[number] for number in kept],
            query=np.searchsorted(kept, query).astype(np.int32),
            passage_language=np.array(pools),
            doc_id=list(doc_ids),
            relevance=np.array([self._relevance[language][ids[number]][doc_id] for number, doc_id, *_ in rows], dtype=np.int32),
            rank=np.array([place.rank for place in places_own], dtype=np.int32),
            rank_all=np.array([place.rank for place in everywhere], dtype=np.int32),
            found=_unless_all(places_own),
            found_all=_unless_all(everywhere),
        )


def _unless_all(places: Sequence[Place]) -> NDArray[np.bool_] | None:
    found = np.array([place.found for place in places])
    return None if found.all() else found
