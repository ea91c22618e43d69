"""Ranks counted from the score matrix against ranks read off a full sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench.datasets.settings import ALL
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.retrieval.exact import ranking
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.ranking import QueryRanks, rank_relevant, row_blocks
from tests.retrieval.examples import Example, example, tied_examples


def ranked(example: Example, *, top: int = 20, threads: int | None = None) -> QueryRanks:
    return rank_relevant(
        example.queries, example.columns, *example.pairs, languages=example.asked_in, top=top, executor=LocalExecutor(threads)
    )


def assert_ranks_of_a_full_sort(example: Example, found: QueryRanks) -> None:
    for query, column, rank, rank_all in zip(found.query, found.column, found.rank, found.rank_all, strict=True):
        doc_id = example.columns.ids[column]
        assert rank == 1 + example.full_sort(query, doc_id.partition("-")[0]).index(doc_id)
        assert rank_all == 1 + example.full_sort(query, ALL).index(doc_id)


def assert_same_language_of_a_full_sort(example: Example, found: QueryRanks) -> None:
    expected = [
        sum(doc_id.startswith(f"{language}-") for doc_id in example.full_sort(query, ALL)[: found.top])
        for query, language in enumerate(example.asked_in)
    ]
    assert found.same_language_top is not None
    assert found.same_language_top.tolist() == expected


def assert_same(found: QueryRanks, expected: QueryRanks) -> None:
    np.testing.assert_array_equal(found.rank, expected.rank)
    np.testing.assert_array_equal(found.rank_all, expected.rank_all)
    np.testing.assert_array_equal(found.same_language_top, expected.same_language_top)


def test_a_written_out_example() -> None:
    """Scores by id descending: en-2 .5, en-1 1, de-3 1, de-2 0, de-1 1."""
    vectors = {"de": np.array([[1], [0], [1]], np.float32), "en": np.array([[1], [0.5]], np.float32)}
    columns = Columns.stack(vectors, {"de": ["de-1", "de-2", "de-3"], "en": ["en-1", "en-2"]})
    found = rank_relevant(
        np.array([[1]], np.float32), columns, np.zeros(5, np.int32), np.arange(5, dtype=np.int32), languages=["de"], top=3
    )
    assert dict(zip(columns.ids, found.rank.tolist(), strict=True)) == {"en-2": 2, "en-1": 1, "de-3": 1, "de-2": 3, "de-1": 2}
    assert dict(zip(columns.ids, found.rank_all.tolist(), strict=True)) == {"en-2": 4, "en-1": 1, "de-3": 2, "de-2": 5, "de-1": 3}
    assert found.same_language_top is not None
    assert found.same_language_top.tolist() == [2]


@given(tied_examples)
def test_tied_passages_have_the_ranks_of_a_full_sort(example: Example) -> None:
    assert_ranks_of_a_full_sort(example, ranked(example))


@pytest.mark.parametrize("seed", range(6))
def test_passages_have_the_ranks_of_a_full_sort(seed: int) -> None:
    drawn = example(seed)
    counts = {len(relevant) for relevant in drawn.relevant}
    assert {0, 1, 5} <= counts
    assert_ranks_of_a_full_sort(drawn, ranked(drawn))


@given(tied_examples, st.integers(1, 40))
def test_passages_in_the_language_of_the_query_are_counted_to_any_depth_ties_at_the_boundary_included(
    example: Example, top: int
) -> None:
    found = ranked(example, top=top)
    assert found.top == min(top, len(example.columns.ids))
    assert_same_language_of_a_full_sort(example, found)


@pytest.mark.parametrize("rounded", [False, True])
def test_many_passages_are_counted_as_few_are(rounded: bool) -> None:
    drawn = example(7, queries=12, passages=700, dimension=3 if rounded else 16, rounded=rounded)
    found = ranked(drawn)
    assert_ranks_of_a_full_sort(drawn, found)
    assert_same_language_of_a_full_sort(drawn, found)


def test_a_pool_of_one_language_is_the_pool_of_all() -> None:
    drawn = example(8, languages=["sw"], rounded=True, dimension=2)
    found = ranked(drawn)
    np.testing.assert_array_equal(found.rank, found.rank_all)
    assert_ranks_of_a_full_sort(drawn, found)
    assert_same_language_of_a_full_sort(drawn, found)


def test_a_query_in_a_language_without_passages_finds_none_of_its_own() -> None:
    drawn = example(9, languages=["de", "en"])
    found = rank_relevant(drawn.queries, drawn.columns, *drawn.pairs, languages=["th"] * len(drawn.queries))
    assert found.same_language_top is not None
    assert not found.same_language_top.any()


def test_languages_are_counted_only_where_they_are_named() -> None:
    drawn = example(10)
    found = rank_relevant(drawn.queries, drawn.columns, *drawn.pairs)
    assert found.same_language_top is None
    np.testing.assert_array_equal(found.rank_all, ranked(drawn).rank_all)


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_nothing(threads: int, rounded: bool) -> None:
    drawn = example(11, queries=1100, dimension=4 if rounded else 16, rounded=rounded)
    assert_same(ranked(drawn, threads=threads), ranked(drawn))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("block_rows", "block_bytes"), [(1, 1 << 20), (7, 1 << 20), (31, 1 << 20), (512, 1), (512, 5003)])
def test_the_size_of_blocks_changes_no_rank(
    monkeypatch: pytest.MonkeyPatch, block_rows: int, block_bytes: int, threads: int
) -> None:
    drawn = example(12, queries=61, dimension=4, rounded=True)
    expected = ranked(drawn)
    monkeypatch.setattr(ranking, "_BLOCK_ROWS", block_rows)
    monkeypatch.setattr(ranking, "_BLOCK_BYTES", block_bytes)
    assert len(list(row_blocks(61, len(drawn.columns.ids)))) > 1
    assert_same(ranked(drawn, threads=threads), expected)


@given(st.integers(0, 5000), st.integers(1, 10**9))
def test_blocks_hold_every_row_once(queries: int, passages: int) -> None:
    rows = [row for block in row_blocks(queries, passages) for row in range(block.start, block.stop)]
    assert rows == list(range(queries))


def test_progress_is_told_of_every_query() -> None:
    drawn = example(13, queries=1100)
    told: list[int] = []
    rank_relevant(drawn.queries, drawn.columns, *drawn.pairs, progress=told.append)
    assert sum(told) == 1100
    assert len(told) > 1
