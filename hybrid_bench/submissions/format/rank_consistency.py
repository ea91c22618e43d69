"""Consistency of ranks: bounds, uniqueness, and agreement between the pool of a language and the pool of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.datasets.settings import ALL
from hybrid_bench.measures.bias_scores import GROUP_DEPTH
from hybrid_bench.submissions.format.findings import Report, quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.results.ranks import QuerySetRanks
    from hybrid_bench.submissions.format.expected import SuiteData


def check(
    language: str,
    found: QuerySetRanks,
    same: NDArray[np.int32] | None,
    data: SuiteData,
    depth: int | None,
    report: Report,
    file: str,
) -> None:
    """Report every query of a language whose ranks cannot all be correct.

    Args:
        language: the query language.
        found: the ranks of its queries' relevant passages.
        same: (queries,) passages in the query's language among the top 20 of the pool of all; None without such a pool.
        data: what the suite expects.
        depth: retrieval depth per query; None if the whole pool was ranked.
        report: receives the findings.
        file: the name of the file in findings.
    """
    _Checker(language, found, data, report, file).check(same, depth)


class _Checker:
    """Checks the ranks of one query language."""

    def __init__(self, language: str, found: QuerySetRanks, data: SuiteData, report: Report, file: str) -> None:
        self._language = language
        self._found = found
        self._data = data
        self._report = report
        self._file = file
        everything = np.ones(len(found.query), dtype=bool)
        self._retrieved = everything if found.found is None else found.found
        self._retrieved_all = found.found_in.get(ALL, everything)
        self._rank_all = found.rank_in.get(ALL, np.zeros(len(found.query), dtype=np.int32))
        #: (pairs,) size of the pool of the passage's language; None if pool sizes are unknown
        sizes = data.pool_sizes
        self._pool_size = np.array([sizes[name] for name in found.collections])[found.collection_index] if sizes else None

    def check(self, same: NDArray[np.int32] | None, depth: int | None) -> None:
        self._check_language_pools()
        if depth is not None:
            self._check_depth(depth)
        if self._data.pooled and same is not None:
            self._check_pool_of_all()
            if depth is None:  # at a depth, scores may depend on the pool, as those of BM25 do
                self._check_order()
            self._check_same_language(same)

    def _report_bad(self, bad: NDArray[np.bool_], query: NDArray[np.int32], message: str) -> None:
        for at in np.flatnonzero(bad).tolist():
            if not self._report.full("ranks", self._file):
                query_id = quoted(self._found.query_ids[query[at]])
                self._report.error("ranks", self._file, f"query {query_id} in {self._language}: {message}")

    def _check_language_pools(self) -> None:
        found = self._found
        self._report_bad(self._retrieved & (found.rank < 1), found.query, "a rank is below 1")
        repeated = _repeated(self._retrieved, found.query, found.collection_index, found.rank)
        self._report_bad(repeated, found.query, "two passages of a language have the same rank")
        if self._pool_size is not None:
            large = self._retrieved & (found.rank > self._pool_size)
            self._report_bad(large, found.query, "a rank exceeds the number of passages")

    def _check_depth(self, depth: int) -> None:
        found = self._found
        deep = (self._retrieved & (found.rank > depth)) | (self._retrieved_all & (self._rank_all > depth))
        self._report_bad(deep, found.query, f"a rank exceeds the stated depth {depth}")

    def _check_pool_of_all(self) -> None:
        found = self._found
        self._report_bad(self._retrieved_all & (self._rank_all < 1), found.query, "a rank in the pool of all is below 1")
        repeated = _repeated(self._retrieved_all, found.query, self._rank_all)
        self._report_bad(repeated, found.query, "two passages have the same rank in the pool of all")

    def _check_order(self) -> None:
        """Compare the ranks in both pools, for searchers whose scores do not depend on the pool."""
        found = self._found
        rank, rank_all, query, pool = found.rank, self._rank_all, found.query, found.collection_index
        others = sum(self._data.pool_sizes.values()) - (0 if self._pool_size is None else self._pool_size)
        self._report_bad(rank_all < rank, query, "a rank in the pool of all is better than in the pool of its language")
        far = rank_all - rank > others
        self._report_bad(far, query, "a rank in the pool of all is lower than the passages of other languages can cause")
        order = np.lexsort((rank, rank_all, pool, query))
        neighbours = (np.diff(query[order]) == 0) & (np.diff(pool[order]) == 0)
        swapped = neighbours & (np.diff(rank[order]) <= 0)
        self._report_bad(swapped, query[order][1:], "passages of a language are ordered differently in the two pools")

    def _check_same_language(self, same: NDArray[np.int32]) -> None:
        """Compare ``same20`` with the bounds that the relevant passages among the top 20 set."""
        found = self._found
        top = self._retrieved_all & (self._rank_all <= GROUP_DEPTH)
        suite = self._data.suite
        language = suite.query_set(self._language).language
        own = np.isin(found.collection, [of.name for of in suite.collections if of.language == language])
        least = np.bincount(found.query[top & own], minlength=len(same))
        most = GROUP_DEPTH - np.bincount(found.query[top & ~own], minlength=len(same))
        every = np.arange(len(same), dtype=np.int32)
        self._report_bad((same < least) | (same > most), every, "same20 contradicts the ranks")


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
