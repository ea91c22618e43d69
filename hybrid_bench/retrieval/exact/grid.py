"""Queries of several languages against the passages of several, as one score matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.judged import Questions
from hybrid_bench.datasets.settings import ALL
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.execution.protocol import Executor
from hybrid_bench.results.ranks import LanguageRanks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.ranking import rank_relevant

if TYPE_CHECKING:
    from hybrid_bench.retrieval.exact.full_runs import FullRuns


class Grid:
    """Queries of some languages against the passages of some, as one score matrix."""

    def __init__(self, columns: Columns, asked: dict[str, tuple[Questions, np.ndarray]]) -> None:
        self._columns = columns
        self._asked = asked
        self._vectors = np.concatenate([vectors for _, vectors in asked.values()])
        if self._vectors.shape[1] != columns.vectors.shape[1]:
            raise HybridBenchError(
                f"the encoder gives queries {self._vectors.shape[1]} dimensions and passages {columns.vectors.shape[1]}",
                "Both need the same.",
            )
        self._pairs = [self._pairs_of(language) for language in asked]

    def _pairs_of(self, language: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(row of the query, column, grade) of every relevant passage, by query and then column."""
        part, _ = self._asked[language]
        row = {query.id: at for at, query in enumerate(part.queries)}
        position = self._columns.position
        for judgement in part.judgements:
            if judgement.doc_id not in position:
                raise HybridBenchError(
                    f"the relevant passage {judgement.doc_id!r} of query {judgement.query_id!r} is not in the collection"
                )
        pairs = sorted({(row[j.query_id], position[j.doc_id], j.relevance) for j in part.judgements if j.query_id in row})
        table = np.array(pairs, dtype=np.int32).reshape(-1, 3)
        return table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy()

    def ranks(self, executor: Executor | None = None) -> tuple[dict[str, LanguageRanks], dict[str, np.ndarray]]:
        """Ranks by query language, and how many of each query's first 20 of all are in its language."""
        sizes = [len(part.queries) for part, _ in self._asked.values()]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        query = np.concatenate([rows + offset for (rows, _, _), offset in zip(self._pairs, offsets, strict=False)])
        column = np.concatenate([columns for _, columns, _ in self._pairs])
        pooled = len(self._columns.pools) > 1 or ALL in self._columns.pools
        languages = [language for language, size in zip(self._asked, sizes, strict=True) for _ in range(size)]
        found = rank_relevant(
            self._vectors, self._columns, query, column, languages=languages if pooled else None, executor=executor
        )
        doc_ids = np.array(self._columns.ids, dtype=object)
        languages_of_columns = np.concatenate(
            [np.full(p.stop - p.start, language) for language, p in self._columns.pools.items()]
        )
        ranks, same, start = {}, {}, 0
        for number, (language, (part, _)) in enumerate(self._asked.items()):
            rows, columns, relevance = self._pairs[number]
            here = slice(start, start + len(rows))
            start = here.stop
            ranks[language] = LanguageRanks(
                query_ids=[query.id for query in part.queries],
                query=rows,
                passage_language=languages_of_columns[columns],
                doc_id=doc_ids[columns].tolist(),
                relevance=relevance,
                rank=found.rank[here],
                rank_all=found.rank_all[here] if pooled else np.zeros(len(rows), np.int32),
            )
            if found.same_language_top is not None and len(self._columns.pools) > 1:
                same[language] = found.same_language_top[offsets[number] : offsets[number + 1]]
        return ranks, same

    def full_runs(self, suite: Suite) -> FullRuns:
        """The same score matrix, to be read as full rankings."""
        from hybrid_bench.retrieval.exact.full_runs import FullRuns

        return FullRuns(
            vectors=self._vectors,
            columns=self._columns,
            query_ids={language: [query.id for query in part.queries] for language, (part, _) in self._asked.items()},
            settings=[setting for setting in suite.settings() if setting.query_language in self._asked],
        )
