"""Query sets against collections, as one score matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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


class _Pairs(NamedTuple):
    """The relevant passages of a query set.

    Attributes:
        row: (pairs,) of the query, ascending.
        column: (pairs,) of the passage, ascending for each query.
        relevance: (pairs,) its grade.
        missing: (row, TREC id, grade, collection) of those that are not in the collection, or that the search leaves out.
    """

    row: NDArray[np.int32]
    column: NDArray[np.int32]
    relevance: NDArray[np.int32]
    missing: Sequence[tuple[int, str, int, str]]


class Grid:
    """The score matrix of some query sets and collections of a suite.

    Args:
        suite: of both.
        columns: the passages.
        asked: the queries.

    Raises:
        HybridBenchError: if queries and passages have other dimensions.
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
        self._dropped = {name: self._dropped_by(name) for name in asked}
        self._pairs = [self._pairs_of(query_set) for query_set in asked]

    def _dropped_by(self, query_set: str) -> dict[str, set[str]]:
        """Query id to the TREC ids of the passages that its search leaves out."""
        part, _ = self._asked[query_set]
        names = self._columns.names
        found = ((query.id, self._suite.dropped(query.id, names) & self._columns.position.keys()) for query in part.queries)
        return {query_id: ids for query_id, ids in found if ids} if self._suite.drops_own else {}

    def _pairs_of(self, query_set: str) -> _Pairs:
        part, _ = self._asked[query_set]
        row = {query.id: at for at, query in enumerate(part.queries)}
        position, dropped = self._columns.position, self._dropped[query_set]
        found: list[tuple[int, int, int]] = []
        missing: list[tuple[int, str, int, str]] = []
        for query_id, collection, doc_id, relevance in part.judgements:
            if collection not in self._columns.names:
                continue
            trec_id = self._suite.trec_id(collection, doc_id)
            if trec_id not in position or trec_id in dropped.get(query_id, ()):
                missing.append((row[query_id], trec_id, relevance, collection))
            else:
                found.append((row[query_id], position[trec_id], relevance))
        table = np.array(sorted(found), dtype=np.int32).reshape(-1, 3)
        return _Pairs(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy(), sorted(missing))

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
        query = np.concatenate([pairs.row + offset for pairs, offset in zip(self._pairs, offsets, strict=False)])
        column = np.concatenate([pairs.column for pairs in self._pairs])
        found = rank_relevant(
            self._vectors, self._columns, query, column, dropped=self._dropped_columns(), top=group_depth, executor=executor
        )
        doc_ids = np.array(self._columns.ids, dtype=object)
        names = np.array(self._columns.names)[self._columns.collection]
        ranks, groups, start = {}, {}, 0
        for number, (name, (part, _)) in enumerate(self._asked.items()):
            pairs = self._pairs[number]
            here = slice(start, start + len(pairs.row))
            start = here.stop
            ranks[name] = QuerySetRanks(
                query_ids=[query.id for query in part.queries],
                query=pairs.row,
                collection=names[pairs.column],
                doc_id=doc_ids[pairs.column].tolist(),
                relevance=pairs.relevance,
                rank=found.rank[here],
                rank_in={pool: rank[here] for pool, rank in found.rank_in.items()},
            )
            if pairs.missing:
                ranks[name] = self._with_missing(ranks[name], pairs.missing, self._dropped[name])
            groups[name] = self._same_group(name, found, slice(offsets[number], offsets[number + 1]))
        return ranks, groups

    def _dropped_columns(self) -> NDArray[np.int32] | None:
        """(drops, 2) rows, ascending, and columns; None if nothing is left out."""
        queries = [(name, query.id) for name, (part, _) in self._asked.items() for query in part.queries]
        position = self._columns.position
        found = [(at, position[id_]) for at, (name, query) in enumerate(queries) for id_ in self._dropped[name].get(query, ())]
        return np.array(found, dtype=np.int32) if found else None

    def _with_missing(
        self, ranks: QuerySetRanks, missing: Sequence[tuple[int, str, int, str]], dropped: Mapping[str, set[str]]
    ) -> QuerySetRanks:
        """The ranks with relevant passages that no search retrieves: they rank right behind each pool."""
        row, doc_id, relevance, collection = (list(column) for column in zip(*missing, strict=True))
        order = np.argsort(np.concatenate([ranks.query, np.array(row, np.int32)]), kind="stable")
        queries = [ranks.query_ids[at] for at in row]

        def behind(pool: str) -> list[int]:
            """The rank of each missing passage in a pool; 0 where the pool does not hold its collection."""
            inside = self._suite.pool(pool)
            ids = {name: set(self._suite.dropped(name, inside)) & dropped.get(name, set()) for name in set(queries)}
            size = int(np.isin(self._columns.collection, [self._columns.names.index(name) for name in inside]).sum())
            return [size - len(ids[query]) + 1 if of in inside else 0 for query, of in zip(queries, collection, strict=True)]

        own = {name: behind(name) for name in set(collection)}
        in_own = [own[name][at] for at, name in enumerate(collection)]
        in_pools = {pool: behind(pool) for pool in ranks.rank_in}
        found = np.repeat([True, False], [len(ranks.query), len(row)])[order]

        def merged(array: NDArray[Any], more: Sequence[Any]) -> NDArray[Any]:
            return np.concatenate([array, np.array(more, dtype=array.dtype if array.dtype.kind == "i" else None)])[order]

        rank_in = {pool: merged(rank, in_pools[pool]) for pool, rank in ranks.rank_in.items()}
        return QuerySetRanks(
            query_ids=ranks.query_ids,
            query=merged(ranks.query, row),
            collection=merged(ranks.collection, collection),
            doc_id=merged(np.array(ranks.doc_id, dtype=object), doc_id).tolist(),
            relevance=merged(ranks.relevance, relevance),
            rank=merged(ranks.rank, in_own),
            rank_in=rank_in,
            found=found,
            found_in={pool: found | (rank == 0) for pool, rank in rank_in.items()},
        )

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
            dropped=self._dropped,
        )
