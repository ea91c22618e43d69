"""Batch search of a Lucene index."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hybrid_bench import HybridBenchError
from hybrid_bench.plugin import Hit, Item
from hybrid_bench_pyserini import java
from hybrid_bench_pyserini.analyzers import Analysis

#: Queries per call of Java: their hits are in memory twice, in Java and in Python.
_BATCH = 256

#: Terms of a query, at most: Java's largest int.
_MAX_CLAUSES = 2**31 - 1

#: Anserini breaks ties itself before it returns scores.
TIES = "Anserini's: equal scores in ascending order of document ids, each lowered by a millionth to break the tie"


class BM25:
    """BM25 search of one index.

    Args:
        folder: Lucene's files.
        analysis: of the queries; the same as for the passages.
        k1: term-frequency saturation, at least 0.
        b: length normalisation, from 0 to 1.
    """

    def __init__(self, folder: Path, analysis: Analysis, *, k1: float = 0.9, b: float = 0.4) -> None:
        from jnius import JavaException

        if not (k1 >= 0 and 0 <= b <= 1):
            raise HybridBenchError(f"BM25 needs k1 >= 0 and b from 0 to 1, not k1={k1} and b={b}", "Pyserini uses 0.9 and 0.4.")
        self._analysis = analysis
        try:
            self._searcher = java.load("io.anserini.search.SimpleSearcher")(str(folder))
        except JavaException as error:
            raise HybridBenchError(f"{folder} is not a readable Lucene index", "Delete it; it is rebuilt when needed.") from error
        # A query has a clause for each of its terms, and Lucene allows 1,024; Anserini does not report what it raises in a batch.
        java.load("org.apache.lucene.search.IndexSearcher").setMaxClauseCount(_MAX_CLAUSES)
        self._searcher.set_analyzer(analysis.java)
        self._searcher.set_bm25(k1, b)

    def search(self, queries: Sequence[Item], depth: int, threads: int | None = None) -> dict[str, list[Hit]]:
        """Search the best passages of each query, in Lucene's order; an empty list for a query without hits.

        Args:
            queries: with unique ids.
            depth: maximum number of passages per query.
            threads: number of threads; all processors by default.
        """
        found: dict[str, list[Hit]] = {}
        for start in range(0, len(queries), _BATCH):
            part = queries[start : start + _BATCH]
            texts, numbers = java.load("java.util.ArrayList")(), java.load("java.util.ArrayList")()
            for number, query in enumerate(part):
                texts.add(self._analysis.prepare(str(query.content)))
                numbers.add(str(number))
            hits = self._searcher.batch_search(texts, numbers, depth, threads or os.cpu_count() or 1)
            # One JSON string is faster than two calls of Java per hit.
            by_number = json.loads(_writer().writeValueAsString(hits))
            for number, query in enumerate(part):
                found[query.id] = [Hit(hit["docid"], hit["score"]) for hit in by_number.get(str(number), ())]
        return found

    def close(self) -> None:
        """Close the index's files."""
        self._searcher.close()


@functools.cache
def _writer() -> Any:
    """A JSON writer for hits that leaves out their stored passages."""
    mapper = java.load("com.fasterxml.jackson.databind.ObjectMapper")()
    stored = java.load("java.lang.Class").forName("org.apache.lucene.document.Document")
    # pyjnius would convert a Python True to Integer.
    mapper.configOverride(stored).setIsIgnoredType(java.load("java.lang.Boolean")("true"))
    return mapper
