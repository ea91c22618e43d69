"""Query sets against collections, as one score matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.groups import grouped_by, groups_of
from hybrid_bench.datasets.judged import JudgedQueries
from hybrid_bench.datasets.settings import Attribute
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.execution.protocol import Executor
from hybrid_bench.results.ranks import QuerySetRanks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.ranking import QueryRanks, rank_relevant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.retrieval.exact.full_runs import FullRuns

#: Query set to its queries and their (queries, dimension) vectors.
AskedVectors = Mapping[str, "tuple[JudgedQueries, np.ndarray]"]


class Grid:
    """The score matrix of some query sets and collections of a suite.

    Args:
        suite: of both.
        columns: the passages.
        asked: the queries.

    Raises:
        HybridBenchError: if queries and passages have other dimensions, or a relevant passage is not in the collections.
    """

    def __init__(self, suite: Suite, columns: Columns, asked: AskedVectors) -> None:
        self._suite = suite
        self._columns = columns
        self._asked = asked
        self._vectors = np.concatenate([vectors for _, vectors in asked.values()])
        if self._vectors.shape[1] != columns.vectors.shape[1]:
            raise HybridBenchError(
                f"the encoder gives queries {self._vectors.shape[1]} dimensions and passages {columns.vectors.shape[1]}",
                "Both need the same.",
            )
        self._pairs = [self._pairs_of(query_set) for query_set in asked]

    def _pairs_of(self, query_set: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(row of the query, column, grade) of every relevant passage, by query and then column."""
        part, _ = self._asked[query_set]
        row = {query.id: at for at, query in enumerate(part.queries)}
        position = self._columns.position
        pairs = set()
        for query_id, collection, doc_id, relevance in part.judgements:
            if collection not in self._columns.names or query_id not in row:
                continue
            trec_id = self._suite.trec_id(collection, doc_id)
            if trec_id not in position:
                raise HybridBenchError(
                    f"the relevant passage {trec_id!r} of query {query_id!r} is not in the collection {collection}",
                    "Check the qrels.",
                )
            pairs.add((row[query_id], position[trec_id], relevance))
        table = np.array(sorted(pairs), dtype=np.int32).reshape(-1, 3)
        return table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy()

    def rank(
        self, executor: Executor | None = None, *, group_depth: int = 20
    ) -> tuple[dict[str, QuerySetRanks], dict[str, dict[tuple[str, Attribute], NDArray[np.int32]]]]:
        """Rank the relevant passages.

        Args:
            executor: computes the blocks of the matrix.
            group_depth: to which depth the languages and domains of the first passages are counted.

        Returns:
            Ranks by query set; and by query set, pool of several collections and attribute, how many of the first passages are
            of the query set's language or domain.
        """
        sizes = [len(part.queries) for part, _ in self._asked.values()]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        query = np.concatenate([rows + offset for (rows, _, _), offset in zip(self._pairs, offsets, strict=False)])
        column = np.concatenate([columns for _, columns, _ in self._pairs])
        found = rank_relevant(self._vectors, self._columns, query, column, top=group_depth, executor=executor)
        doc_ids = np.array(self._columns.ids, dtype=object)
        names = np.array(self._columns.names)[self._columns.collection]
        ranks, groups, start = {}, {}, 0
        for number, (name, (part, _)) in enumerate(self._asked.items()):
            rows, columns, relevance = self._pairs[number]
            here = slice(start, start + len(rows))
            start = here.stop
            ranks[name] = QuerySetRanks(
                query_ids=[query.id for query in part.queries],
                query=rows,
                collection=names[columns],
                doc_id=doc_ids[columns].tolist(),
                relevance=relevance,
                rank=found.rank[here],
                rank_in={pool: rank[here] for pool, rank in found.rank_in.items()},
            )
            groups[name] = self._same_group(name, found, slice(offsets[number], offsets[number + 1]))
        return ranks, groups

    def _same_group(self, query_set: str, found: QueryRanks, rows: slice) -> dict[tuple[str, Attribute], NDArray[np.int32]]:
        of = self._suite.query_set(query_set)
        counts: dict[tuple[str, Attribute], NDArray[np.int32]] = {}
        for pool, top in found.top.items():
            for attribute in grouped_by(self._suite, pool):
                own = getattr(of, attribute)
                if own is not None:
                    groups = groups_of(self._suite, attribute)
                    same = np.array([groups[name] == own for name in self._columns.names])[self._columns.collection]
                    first = top[rows]
                    counts[pool, attribute] = (same[first] & (first >= 0)).sum(axis=1, dtype=np.int32)
        return counts

    def full_runs(self) -> FullRuns:
        """The same score matrix, to be read as full rankings."""
        from hybrid_bench.retrieval.exact.full_runs import FullRuns

        return FullRuns(
            vectors=self._vectors,
            columns=self._columns,
            query_ids={name: [query.id for query in part.queries] for name, (part, _) in self._asked.items()},
            settings=[setting for setting in self._suite.settings if setting.query_set in self._asked],
        )
