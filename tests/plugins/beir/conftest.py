"""BEIR's own evaluation, for comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Scores = dict[str, float]


@pytest.fixture(scope="session")
def by_beir() -> Callable[..., Scores]:
    """Search with BEIR and score with BEIR: nDCG@10, R@100 and AP over the whole ranking, rounded to five digits there."""
    from beir.retrieval.evaluation import EvaluateRetrieval
    from beir.retrieval.search.dense import DenseRetrievalExactSearch

    def score(model: Any, corpus: Mapping[str, Any], queries: Any, qrels: Any, function: str = "dot") -> Scores:
        depths = [10, 100, len(corpus)]
        retriever = EvaluateRetrieval(DenseRetrievalExactSearch(model, show_progress_bar=False), depths, function)
        found = retriever.retrieve(corpus, queries)
        ndcg, average, recall, _ = retriever.evaluate(qrels, found, depths)
        return {"nDCG@10": ndcg["NDCG@10"], "AP": average[f"MAP@{len(corpus)}"], "R@100": recall["Recall@100"]}

    return score
