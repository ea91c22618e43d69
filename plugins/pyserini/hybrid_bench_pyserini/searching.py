"""Searching a Lucene index, many queries at once, with the hits brought over from Java in one piece."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hybrid_bench import Hit, HybridBenchError, Text
from hybrid_bench_pyserini import java
from hybrid_bench_pyserini.analyzers import Analysis

#: Queries whose hits are held twice, in Java and here.
_BATCH = 256

#: As Anserini orders hits; scores are rounded and told apart by it before they get here.
TIES = "Anserini's: equal scores in ascending order of document ids, told apart by lowering them a millionth each"


class BM25:
    """BM25 search of one index.

    Args:
        folder: of Lucene's files.
        analysis: how queries become terms, as the passages did.
        k1: term saturation.
        b: length normalisation.
    """

    def __init__(self, folder: Path, analysis: Analysis, *, k1: float = 0.9, b: float = 0.4) -> None:
        from jnius import JavaException

        if not (k1 >= 0 and 0 <= b <= 1):
            raise HybridBenchError(f"BM25 has k1 >= 0 and b from 0 to 1, not k1={k1} and b={b}", "Pyserini's: 0.9 and 0.4.")
        self._analysis = analysis
        try:
            self._searcher = java.load("io.anserini.search.SimpleSearcher")(str(folder))
        except JavaException as error:
            raise HybridBenchError(f"{folder} is not a Lucene index that can be read", "Make it again.") from error
        self._searcher.set_analyzer(analysis.java)
        self._searcher.set_bm25(k1, b)

    def search(self, queries: Sequence[Text], depth: int, threads: int | None = None) -> dict[str, list[Hit]]:
        """The best passages of each query, as Lucene orders them; an empty list for a query that finds nothing.

        Args:
            queries: with ids of their own.
            depth: passages a query at most.
            threads: all processors by default.
        """
        found: dict[str, list[Hit]] = {}
        for start in range(0, len(queries), _BATCH):
            part = queries[start : start + _BATCH]
            texts, numbers = java.load("java.util.ArrayList")(), java.load("java.util.ArrayList")()
            for number, query in enumerate(part):
                texts.add(self._analysis.prepare(query.text))
                numbers.add(str(number))
            hits = self._searcher.batch_search(texts, numbers, depth, threads or os.cpu_count() or 1)
            # One string instead of two calls of Java a hit.
            brought = json.loads(_writer().writeValueAsString(hits))
            for number, query in enumerate(part):
                found[query.id] = [Hit(hit["docid"], hit["score"]) for hit in brought.get(str(number), ())]
        return found

    def close(self) -> None:
        """Let go of the index's files."""
        self._searcher.close()


@functools.cache
def _writer() -> Any:
    """Writes hits as JSON, without the stored passages that they carry."""
    mapper = java.load("com.fasterxml.jackson.databind.ObjectMapper")()
    stored = java.load("java.lang.Class").forName("org.apache.lucene.document.Document")
    # A Python True would arrive as an Integer.
    mapper.configOverride(stored).setIsIgnoredType(java.load("java.lang.Boolean")("true"))
    return mapper
