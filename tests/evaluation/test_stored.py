"""Search of stored vectors by an index."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench.evaluation.stored import IndexFinds
from hybrid_bench.plugin import SilentProgress
from hybrid_bench.retrieval.streamed.faiss_index import FaissIndex
from hybrid_bench.retrieval.streamed.search import search
from tests.embeddings.whole_numbers import Table, encoded, unit_rows

pytest.importorskip("faiss")


def test_reading_hits_changes_nothing(tmp_path: Path) -> None:
    """Hits and recall depend on neither the order nor the number of calls."""
    rows = unit_rows(600, 32)
    collection = encoded(tmp_path / "collection", Table(rows), shard=256)
    queries = rows[:40]
    finds = IndexFinds(FaissIndex(collection, "hnsw", SilentProgress()), queries, 20)
    exact = search(collection, queries, 20)
    state = copy.copy(vars(finds))
    first = finds.hits(range(40))
    recall = finds.recall(exact)
    assert finds.hits([7, 3, 7]) == [first[7], first[3], first[7]]
    assert finds.hits([]) == []
    assert finds.recall(exact) == recall
    assert finds.hits(range(40)) == first
    assert vars(finds) == state
    assert recall.keys() == {10}


def test_recall_is_the_share_of_the_exact_hits(tmp_path: Path) -> None:
    rows = unit_rows(600, 32)
    collection = encoded(tmp_path / "collection", Table(rows), shard=256)
    queries = rows[:40]
    flat = IndexFinds(FaissIndex(collection, "flat", SilentProgress()), queries, 100)
    assert flat.recall(search(collection, queries, 100)) == {10: 1.0, 100: 1.0}
    shifted = IndexFinds(FaissIndex(collection, "flat", SilentProgress()), np.roll(queries, 1, axis=0), 100)
    expected = [
        np.mean([len({hit.doc_id for hit in a[:depth]} & {hit.doc_id for hit in b[:depth]}) / depth for a, b in pairs])
        for depth in (10, 100)
        for pairs in [list(zip(shifted.hits(range(40)), flat.hits(range(40)), strict=True))]
    ]
    assert list(shifted.recall(flat).values()) == pytest.approx(expected)
