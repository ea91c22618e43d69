"""The conditions that ranks of real searches meet.

In every pool, whatever the searcher:

1. Ranks are 1 or more, and no two passages of a pool have the same one.
2. A rank is at most the number of passages of the pool that can have been retrieved: the depth, and the size of the pool less
   its relevant passages that were not retrieved.
3. ``same20`` counts the relevant passages in the query's language among the first 20, and leaves room for the other relevant
   ones there. Neither it nor the rest of the first 20 exceeds the passages that are left in the collections.

If the score of a passage does not depend on the pool, as with vectors, the pool of all interleaves the collections:

4. The ranks in both pools and ``same20`` come from one ranking: see :mod:`interleaving`. Among others, before a rank in the
   pool of all there are as many passages of each collection as the ranks there say; a rank in the pool of all is no better than
   in the collection, and no lower than the passages of other collections can cause; both pools have the same order.
5. A search to a depth retrieves as many passages as the pool has, up to the depth.

These are all conditions for a single query: ranks that meet them are those of some ranking of the passages (of one ranking for
4 and 5, of one in each pool otherwise). Queries are independent of each other for a searcher that can be any function of the
texts; only its vectors show more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.datasets.settings import ALL
from hybrid_bench.measures.bias_scores import GROUP_DEPTH
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.interleaving import Interleaving

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.results.ranks import QuerySetRanks
    from hybrid_bench.submissions.format.expected import SuiteData

_ONE_RANKING = (
    "Compute the ranks in all pools from the same scores. If scores depend on the pool, as those of BM25, fusions and "
    "approximate search do, state similarity = 'lexical'."
)


def check(
    language: str,
    found: QuerySetRanks,
    same: NDArray[np.int32] | None,
    data: SuiteData,
    depth: int | None,
    report: Report,
    file: str,
    *,
    pool_dependent: bool = False,
) -> None:
    """Report every query of a language whose ranks cannot all be correct.

    Args:
        language: the query language.
        found: the ranks of its queries' relevant passages.
        same: (queries,) passages in the query's language among the top 20 of the pool of all; None without such a pool or a
            language.
        data: what the suite expects.
        depth: retrieval depth per query; None if the whole pool was ranked.
        report: receives the findings.
        file: the name of the file in findings.
        pool_dependent: whether the score of a passage may depend on the pool; the pools are then checked separately.
    """
    checker = _Checker(language, found, data, depth, report, file)
    checker.check_collections()
    if language in data.on_all:
        counted = np.zeros(len(found.query_ids), dtype=np.int32) if same is None else same
        checker.check_pool_of_all(counted)
        if not pool_dependent:
            checker.check_depth_is_reached()
            checker.check_one_ranking(counted)


class _Checker:
    """Checks the ranks of one query language; the arguments are those of :func:`check`."""

    def __init__(
        self, language: str, found: QuerySetRanks, data: SuiteData, depth: int | None, report: Report, file: str
    ) -> None:
        self._language = language
        self._found = found
        self._depth = depth
        self._report = report
        self._file = file
        everything = np.ones(len(found.query), dtype=bool)
        self._retrieved = everything if found.found is None else found.found
        self._retrieved_all = found.found_in.get(ALL, everything)
        self._rank_all = found.rank_in.get(ALL, np.zeros(len(found.query), dtype=np.int32))
        #: (collections,) sizes; unknown without a pool of all
        self._sizes = np.array([data.pool_sizes.get(of.name, np.iinfo(np.int32).max) for of in data.suite.collections])
        names = [of.name for of in data.suite.collections]
        #: (collections,) how many of them are in the pool of all
        everywhere = data.suite.pools.get(ALL, ())
        self._sizes_in_all = np.where([name in everywhere for name in names], self._sizes, 0)
        #: (pairs,) collection of each passage, and (collections,) whether it is in the query's language or domain
        self._collection = np.array([names.index(name) for name in found.collections], dtype=np.int64)[found.collection_index]
        group = getattr(data.suite.query_set(language), data.attribute)
        self._own = np.array([group is not None and getattr(of, data.attribute) == group for of in data.suite.collections])

    def _report_bad(self, bad: NDArray[np.bool_], query: NDArray[np.int32], message: str) -> None:
        for at in np.flatnonzero(bad).tolist():
            self._report_query(int(query[at]), message)

    def _report_query(self, query: int, message: str, remedy: str = "") -> None:
        if not self._report.full("ranks", self._file):
            query_id = quoted(self._found.query_ids[query])
            self._report.error("ranks", self._file, f"query {query_id} in {self._language}: {message}", remedy)

    def check_collections(self) -> None:
        rank, query, there = self._found.rank, self._found.query, self._retrieved
        self._report_bad(there & (rank < 1), query, "a rank is below 1")
        repeated = _repeated(there, query, self._collection, rank)
        self._report_bad(repeated, query, "two passages of a language have the same rank")
        key = query.astype(np.int64) * len(self._sizes) + self._collection
        room = self._sizes[self._collection] - _counted(key, ~there)
        self._report_bad(there & (rank > room), query, "a rank exceeds the number of passages")
        self._report_deep(there & (rank > self._limit))

    def check_pool_of_all(self, same: NDArray[np.int32]) -> None:
        rank, query, there = self._rank_all, self._found.query, self._retrieved_all
        self._report_bad(there & (rank < 1), query, "a rank in the pool of all is below 1")
        self._report_bad(_repeated(there, query, rank), query, "two passages have the same rank in the pool of all")
        room = int(self._sizes_in_all.sum()) - _counted(query, ~there)
        self._report_bad(there & (rank > room), query, "a rank in the pool of all exceeds the number of passages")
        self._report_deep(there & (rank > self._limit))
        self._check_same(same)

    def _check_same(self, same: NDArray[np.int32]) -> None:
        """Compare ``same20`` with the relevant passages among the top 20, and with the passages that are left."""
        found, own = self._found, self._own[self._collection]
        top = self._retrieved_all & (self._rank_all <= GROUP_DEPTH)
        total = int(self._sizes_in_all.sum())
        filled = np.zeros(len(same), dtype=np.int32)  # how long the run is at least
        np.maximum.at(filled, found.query, np.where(self._retrieved_all, self._rank_all, 0))

        def count(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
            return np.bincount(found.query[mask], minlength=len(same))

        others_left = self._sizes_in_all[~self._own].sum() - count(~own & ~top)
        least = np.maximum(count(own & top), np.minimum(filled, GROUP_DEPTH) - others_left)
        most = np.minimum(
            self._sizes_in_all[self._own].sum() - count(own & ~top), min(GROUP_DEPTH, total, self._limit) - count(~own & top)
        )
        every = np.arange(len(same), dtype=np.int32)
        self._report_bad((same < least) | (same > most), every, "same20 contradicts the ranks")

    @property
    def _limit(self) -> int:
        """How many passages of a pool were retrieved at most."""
        return int(self._sizes.sum()) if self._depth is None else self._depth

    def _report_deep(self, deep: NDArray[np.bool_]) -> None:
        if self._depth is not None:
            self._report_bad(deep, self._found.query, f"a rank exceeds the stated depth {self._depth}")

    def check_depth_is_reached(self) -> None:
        query, sizes = self._found.query, self._sizes[self._collection]
        key = query.astype(np.int64) * len(self._sizes) + self._collection
        for keys, there, size in ((key, self._retrieved, sizes), (query, self._retrieved_all, self._sizes_in_all.sum())):
            short = ~there & (_counted(keys, ~there) > size - self._limit)
            self._report_bad(short, query, f"a passage is missing although the depth {self._depth} is not reached")

    def check_one_ranking(self, same: NDArray[np.int32]) -> None:
        ranks = Interleaving(
            query=self._found.query,
            collection=self._collection,
            rank=self._found.rank,
            rank_all=np.where(self._retrieved_all, self._rank_all, 0),
            same=same,
            sizes=self._sizes_in_all,
            own=self._own,
            retrieved=min(self._limit, int(self._sizes_in_all.sum())),
            top=GROUP_DEPTH,
        )
        for query, first, last, needed in ranks.contradictions():
            message = (
                f"its ranks and same20 are not of one ranking: together they put {needed} or more passages at the "
                f"{last - first + 1} ranks {first} to {last} of the pool of all"
            )
            self._report_query(query, message, _ONE_RANKING)


def _counted(key: NDArray[np.integer[Any]], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(pairs,) how many pairs of the mask have the same key as each pair."""
    counts: NDArray[np.int64] = np.bincount(key[mask], minlength=int(key.max(initial=0)) + 1)[key]
    return counts


def _repeated(retrieved: NDArray[np.bool_], *keys: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """(pairs,) mask of retrieved pairs that have the same keys as another one."""
    order = np.lexsort(keys[::-1])
    order = order[retrieved[order]]
    same = np.ones(len(order) - 1 if len(order) else 0, dtype=bool)
    for key in keys:
        same &= np.diff(key[order]) == 0
    found = np.zeros(len(retrieved), dtype=bool)
    found[order[1:][same]] = True
    return found
