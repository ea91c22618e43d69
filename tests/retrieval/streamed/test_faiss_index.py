"""FAISS indexes: flat equals the exact search, the others approximate it, and cached indexes are verified."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.embeddings.stored_collection import Collection
from hybrid_bench.plugin import UnknownNameError
from hybrid_bench.results.runs import Hit
from hybrid_bench.retrieval.streamed.faiss_index import FaissIndex
from hybrid_bench.retrieval.streamed.search import search
from tests.embeddings.test_store import contents
from tests.embeddings.whole_numbers import Table, Told, encode, encoded, tied_rows, unit_rows

ROWS = unit_rows(3000, 32)
QUERIES = unit_rows(30, 32, seed=1)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return encoded(tmp_path_factory.mktemp("collection"), Table(ROWS), storage="fp16", shard=256)


def names(found: list[list[Hit]]) -> list[list[str]]:
    """The ids; FAISS rounds scores differently."""
    return [[hit.doc_id for hit in hits] for hits in found]


def share(collection: Collection, kind: str, depth: int) -> float:
    exact = search(collection, QUERIES, depth).hits(range(30))
    found = FaissIndex(collection, kind, Told()).search(QUERIES, depth)
    pairs = zip(found, exact, strict=True)
    return float(np.mean([len({h.doc_id for h in own} & {h.doc_id for h in best}) / depth for own, best in pairs]))


def test_flat_finds_what_the_exact_search_finds(collection: Collection) -> None:
    assert share(collection, "flat", 100) == 1


def test_flat_orders_ties_as_everywhere(tmp_path: Path) -> None:
    tied, queries = encoded(tmp_path, Table(tied_rows(200, 2)), shard=64), tied_rows(5, 2, seed=1)
    found = FaissIndex(tied, "flat", Told()).search(queries, 200)
    assert found == search(tied, queries, 200).hits(range(5))


def test_hnsw_comes_near_and_ivfpq_nearer_than_chance(collection: Collection) -> None:
    assert share(collection, "hnsw", 10) > 0.95
    assert 0.2 < share(collection, "ivfpq", 100) < 1


@pytest.mark.parametrize("kind", ["hnsw", "ivfpq"])
def test_an_index_is_reopened_and_has_the_same_bytes_when_it_is_built_again(collection: Collection, kind: str) -> None:
    told = Told()
    FaissIndex(collection, kind, told)
    folder = collection.folder / "indexes"
    before = contents(folder)
    again = Told()
    FaissIndex(collection, kind, again)
    assert again.done == 0
    (folder / f"{kind}.faiss").write_bytes(before[f"{kind}.faiss"][:-1])  # never opened
    FaissIndex(collection, kind, again)
    assert again.done == 3000
    assert contents(folder) == before


def test_an_index_of_other_vectors_is_built_again(tmp_path: Path) -> None:
    first = FaissIndex(encoded(tmp_path, Table(ROWS)), "flat", Told()).search(QUERIES, 10)
    collection = encoded(tmp_path, Table(-ROWS, "opposite"))
    second = FaissIndex(collection, "flat", Told()).search(QUERIES, 10)
    assert names(second) == names(search(collection, QUERIES, 10).hits(range(30))) != names(first)
    assert json.loads((tmp_path / "indexes" / "flat.json").read_text())["collection"] == collection.digest


def test_what_cannot_be_built_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = encoded(tmp_path, Table(ROWS[:200]))
    with pytest.raises(HybridBenchError, match=r"256 passages or more.* not 200 passages of 32\n  Use flat or hnsw"):
        FaissIndex(small, "ivfpq", Told())
    with pytest.raises(UnknownNameError, match="unknown index 'hsnw'\n  Did you mean hnsw"):
        FaissIndex(small, "hsnw", Told())
    (tmp_path / "0000001.safetensors").unlink()
    with pytest.raises(HybridBenchError, match=r"0000001.safetensors of the manifest is missing"):
        FaissIndex(Collection(tmp_path), "flat", Told())
    assert encode(tmp_path, Table(ROWS[:200])) is not None
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(HybridBenchError, match=r"needs the package 'faiss'.*\n  Run: python -m pip install"):
        FaissIndex(Collection(tmp_path), "flat", Told())
