"""The streamed search against brute force: scores, ranks and ties, with any executor and after interruptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench import HybridBenchError
from hybrid_bench.embeddings.stored_collection import Collection, Storage
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.results.runs import Hit
from hybrid_bench.retrieval.streamed import search as streamed
from hybrid_bench.retrieval.streamed.search import search
from hybrid_bench.retrieval.streamed.shard_search import single_precision
from hybrid_bench.retrieval.streamed.top_lists import TopLists
from tests.embeddings.whole_numbers import Table, doc_ids, encoded, tied_rows, unit_rows

T = TypeVar("T")
R = TypeVar("R")


def brute_force(queries: np.ndarray, passages: np.ndarray, depth: int) -> list[list[Hit]]:
    """All scores by one product in NumPy, sorted as trec_eval sorts."""
    ids = doc_ids(len(passages))
    rows = (queries @ passages.T).tolist()
    return [[Hit(doc_id, score) for score, doc_id in sorted(zip(row, ids, strict=True), reverse=True)[:depth]] for row in rows]


def everything(collection: Collection, queries: np.ndarray, depth: int, threads: int | None = None) -> list[list[Hit]]:
    return search(collection, queries, depth, executor=LocalExecutor(threads)).hits(range(len(queries)))


@pytest.mark.parametrize("storage", ["fp32", "fp16"])
def test_20_000_passages_are_ranked_as_by_brute_force_in_float32(tmp_path: Path, storage: Storage) -> None:
    passages, queries = unit_rows(20_000, 384, bits=15), unit_rows(20, 384, seed=1, bits=8)
    passages[1000:1500] = passages[:500]  # duplicates: real collections have them, and they tie
    collection = encoded(tmp_path, Table(passages), storage=storage, shard=2048)
    stored = passages.astype(np.float16).astype(np.float32) if storage == "fp16" else passages
    assert (storage == "fp16") == (stored != passages).any()
    assert everything(collection, queries, 1000) == brute_force(queries, stored, 1000)


@pytest.mark.parametrize("depth", [1, 7, 64, 299, 1000])
@pytest.mark.parametrize("shard", [7, 100])
def test_ties_go_by_document_id_at_every_depth(tmp_path: Path, depth: int, shard: int) -> None:
    passages, queries = tied_rows(300, 2), tied_rows(9, 2, seed=1)
    collection = encoded(tmp_path, Table(passages), shard=shard)
    assert everything(collection, queries, depth) == brute_force(queries, passages, depth)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 5), st.integers(1, 50))
def test_merging_lists_is_sorting_what_is_in_them(seed: int, depth: int, queries: int, passages: int) -> None:
    """Any two parts of a collection: their merged lists are those of the whole."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (queries, passages)).astype(np.float32)
    ids = np.array([f"{number}".encode() for number in rng.permutation(passages)], dtype=object)

    def top(numbers: np.ndarray) -> TopLists:
        lists = TopLists.empty(queries, depth)
        for query in range(queries):
            best = sorted(numbers.tolist(), key=lambda n: (scores[query, n], ids[n]), reverse=True)[:depth]
            best.sort(key=lambda n: (-scores[query, n], n))
            lists.numbers[query, : len(best)] = best
            lists.scores[query, : len(best)] = scores[query, best]
        return lists

    left = rng.random(passages) < 0.5
    merged = top(np.flatnonzero(left)).merged(top(np.flatnonzero(~left)), lambda numbers: ids[numbers])
    whole = top(np.arange(passages))
    np.testing.assert_array_equal(merged.numbers, whole.numbers)
    np.testing.assert_array_equal(merged.scores, whole.scores)


def test_every_half_float_is_widened_exactly() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)].reshape(-1, 4)
    np.testing.assert_array_equal(single_precision(finite).view(np.uint32), finite.astype(np.float32).view(np.uint32))


class Backwards(LocalExecutor):
    """Runs all tasks from the last to the first, without thresholds from earlier ones."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        return iter([function(item) for item in reversed(list(items))][::-1])


@pytest.fixture
def whole(tmp_path: Path) -> Collection:
    return encoded(tmp_path / "whole", Table(unit_rows(3000, 16)), shard=32)


def result_of(collection: Collection) -> bytes:
    (path,) = (collection.folder / "searches").glob("*.safetensors")
    return path.read_bytes()


@pytest.mark.parametrize(
    "executor", [LocalExecutor(1), LocalExecutor(5), Backwards()], ids=["1 thread", "5 threads", "backwards"]
)
def test_the_executor_changes_no_byte(whole: Collection, executor: LocalExecutor, tmp_path: Path) -> None:
    search(whole, unit_rows(20, 16, seed=1), 50)
    again = encoded(tmp_path / "again", Table(unit_rows(3000, 16)), shard=32)
    search(again, unit_rows(20, 16, seed=1), 50, executor=executor)
    assert result_of(again) == result_of(whole)


class Stopping(LocalExecutor):
    """Raises after some tasks."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.searched = 0

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        for item in items:
            if self.searched == self.parts:
                raise KeyboardInterrupt
            self.searched += 1
            yield function(item)


def test_an_interrupted_search_resumes_and_a_finished_one_is_not_repeated(whole: Collection, tmp_path: Path) -> None:
    queries = unit_rows(20, 16, seed=1)
    first = Stopping(streamed._FIRST_SHARDS + 1)
    with pytest.raises(KeyboardInterrupt):
        search(whole, queries, 50, executor=first, save_every=0)
    told: list[int] = []
    rest = Stopping(100)
    search(whole, queries, 50, executor=rest, progress=told.append)
    done = streamed._FIRST_SHARDS + 30  # 90 shards are 3 tasks of 30 rather than 32, 32 and 26
    assert rest.searched == 2
    assert told[0] == done * 32
    assert sum(told) == 3000
    nobody = Stopping(0)
    search(whole, queries, 50, executor=nobody)
    again = encoded(tmp_path / "again", Table(unit_rows(3000, 16)), shard=32)
    search(again, queries, 50)
    assert result_of(again) == result_of(whole)


def test_corrupt_results_are_searched_again(whole: Collection) -> None:
    queries = unit_rows(20, 16, seed=1)
    search(whole, queries, 50)
    good = result_of(whole)
    (path,) = (whole.folder / "searches").glob("*.safetensors")
    for damaged in (good[:-5], good.replace(b'"shards": "94"', b'"shards": "93"'), b""):
        assert damaged != good
        path.write_bytes(damaged)
        search(whole, queries, 50)
        assert result_of(whole) == good


def test_other_queries_depths_and_vectors_are_other_searches(whole: Collection, tmp_path: Path) -> None:
    queries = unit_rows(20, 16, seed=1)
    expected = brute_force(queries, unit_rows(3000, 16), 50)
    assert everything(whole, queries, 50) == expected
    assert everything(whole, queries[:5], 50) == expected[:5]
    assert everything(whole, queries, 10) == [hits[:10] for hits in expected]
    encoded(whole.folder, Table(unit_rows(3000, 16, seed=7), "seven"), shard=32)
    assert everything(Collection(whole.folder), queries, 50) == brute_force(queries, unit_rows(3000, 16, seed=7), 50)


def test_more_queries_than_are_searched_at_a_time(whole: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "QUERIES_AT_ONCE", 8)
    queries = unit_rows(20, 16, seed=1)
    found = search(whole, queries, 5)
    expected = brute_force(queries, unit_rows(3000, 16), 5)
    assert found.hits(range(20)) == expected
    assert found.hits([19, 7, 8, 0]) == [expected[row] for row in (19, 7, 8, 0)]


def test_a_corrupt_shard_is_never_scored(whole: Collection) -> None:
    path = whole.folder / "0000030.safetensors"
    content = bytearray(path.read_bytes())
    content[-600] ^= 1
    path.write_bytes(content)
    with pytest.raises(HybridBenchError, match=r"0000030.safetensors of the manifest is corrupt"):
        search(whole, unit_rows(3, 16), 5)


def test_queries_of_another_dimension_are_refused(whole: Collection) -> None:
    with pytest.raises(HybridBenchError, match="the queries have 8 dimensions, the passages 16"):
        search(whole, unit_rows(3, 8), 5)
