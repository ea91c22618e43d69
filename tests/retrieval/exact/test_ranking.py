"""Ranks counted from the score matrix against ranks read off a full sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.retrieval.exact import ranking
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.ranking import QueryRanks, rank_relevant, row_blocks
from tests.retrieval.examples import LANGUAGES, Example, Ids, example, tied_examples

ID_ORDERS = ["sorted", "alternating"]
#: A pool of all collections, and pools of some of them.
POOLS = {"all": LANGUAGES, "first": ("ar", "de"), "outer": ("ar", "zh"), "three": ("zh", "de", "en")}


def ranked(example: Example, *, top: int = 20, threads: int | None = None) -> QueryRanks:
    return rank_relevant(example.queries, example.columns, *example.pairs, top=top, executor=LocalExecutor(threads))


def assert_ranks_of_a_full_sort(example: Example, found: QueryRanks) -> None:
    assert set(found.rank_in) == set(found.top) == set(example.pools)
    for pair, (query, column) in enumerate(zip(found.query, found.column, strict=True)):
        doc_id = example.columns.ids[column]
        assert found.rank[pair] == 1 + example.full_sort(query, example.collection_of[doc_id]).index(doc_id)
        for pool, inside in example.pools.items():
            expected = 1 + example.full_sort(query, pool).index(doc_id) if example.collection_of[doc_id] in inside else 0
            assert found.rank_in[pool][pair] == expected


def assert_top_of_a_full_sort(example: Example, found: QueryRanks, top: int = 20) -> None:
    """Behind the last passage of a pool there is -1."""
    depth = min(top, len(example.columns.ids))
    for pool in example.pools:
        assert found.top[pool].shape == (len(example.queries), depth)
        for query, columns in enumerate(found.top[pool].tolist()):
            expected = [example.columns.position[doc_id] for doc_id in example.full_sort(query, pool)[:depth]]
            assert columns == expected + [-1] * (depth - len(expected))


def assert_same(found: QueryRanks, expected: QueryRanks) -> None:
    np.testing.assert_array_equal(found.rank, expected.rank)
    assert found.rank_in.keys() == expected.rank_in.keys() == found.top.keys() == expected.top.keys()
    for pool in expected.rank_in:
        np.testing.assert_array_equal(found.rank_in[pool], expected.rank_in[pool])
        np.testing.assert_array_equal(found.top[pool], expected.top[pool])


def test_a_written_out_example() -> None:
    """Scores by id descending: en-2 .5, en-1 1, de-3 1, de-2 0, de-1 1."""
    vectors = {"de": np.array([[1], [0], [1]], np.float32), "en": np.array([[1], [0.5]], np.float32)}
    columns = Columns.stack(vectors, {"de": ["de-1", "de-2", "de-3"], "en": ["en-1", "en-2"]}, {"all": ("de", "en")})
    found = rank_relevant(np.array([[1]], np.float32), columns, np.zeros(5, np.int32), np.arange(5, dtype=np.int32), top=3)
    assert dict(zip(columns.ids, found.rank.tolist(), strict=True)) == {"en-2": 2, "en-1": 1, "de-3": 1, "de-2": 3, "de-1": 2}
    in_all = dict(zip(columns.ids, found.rank_in["all"].tolist(), strict=True))
    assert in_all == {"en-2": 4, "en-1": 1, "de-3": 2, "de-2": 5, "de-1": 3}
    assert [columns.ids[column] for column in found.top["all"][0]] == ["en-1", "de-3", "de-1"]


def test_a_written_out_example_of_ids_that_alternate_and_a_pool_of_some() -> None:
    """Scores by id descending: 6 (th) 1, 5 (de) .5, 4 (en) 1, 3 (th) 1, 2 (de) 1, 1 (en) 0."""
    vectors = {
        name: np.array(values, np.float32)[:, None] for name, values in {"de": [1, 0.5], "en": [0, 1], "th": [1, 1]}.items()
    }
    ids = {"de": ["2", "5"], "en": ["1", "4"], "th": ["3", "6"]}
    columns = Columns.stack(vectors, ids, {"western": ("de", "en"), "all": ("de", "en", "th")})
    assert columns.blocks is None
    found = rank_relevant(np.array([[1]], np.float32), columns, np.zeros(6, np.int32), np.arange(6, dtype=np.int32), top=5)
    assert dict(zip(columns.ids, found.rank.tolist(), strict=True)) == {"6": 1, "5": 2, "4": 1, "3": 2, "2": 1, "1": 2}
    assert dict(zip(columns.ids, found.rank_in["all"].tolist(), strict=True)) == {"6": 1, "5": 5, "4": 2, "3": 3, "2": 4, "1": 6}
    western = dict(zip(columns.ids, found.rank_in["western"].tolist(), strict=True))
    assert western == {"6": 0, "5": 3, "4": 1, "3": 0, "2": 2, "1": 4}
    assert [columns.ids[column] for column in found.top["all"][0]] == ["6", "4", "3", "2", "5"]
    assert found.top["western"][0].tolist() == [2, 4, 1, 5, -1]


@given(tied_examples)
def test_tied_passages_have_the_ranks_of_a_full_sort(example: Example) -> None:
    assert_ranks_of_a_full_sort(example, ranked(example))


@pytest.mark.parametrize("ids", ID_ORDERS)
@pytest.mark.parametrize("seed", range(6))
def test_passages_have_the_ranks_of_a_full_sort(seed: int, ids: Ids) -> None:
    drawn = example(seed, queries=60, ids=ids, pools=POOLS)
    counts = {len(relevant) for relevant in drawn.relevant}
    assert {0, 1, 5} <= counts
    assert (drawn.columns.blocks is None) == (ids == "alternating")
    assert_ranks_of_a_full_sort(drawn, ranked(drawn))


@given(tied_examples, st.integers(1, 40))
def test_the_first_passages_of_pools_are_found_to_any_depth_ties_at_the_boundary_included(example: Example, top: int) -> None:
    assert_top_of_a_full_sort(example, ranked(example, top=top), top)


@pytest.mark.parametrize("ids", ID_ORDERS)
@pytest.mark.parametrize("rounded", [False, True])
def test_many_passages_are_counted_as_few_are(rounded: bool, ids: Ids) -> None:
    drawn = example(7, queries=12, passages=700, dimension=3 if rounded else 16, rounded=rounded, ids=ids, pools=POOLS)
    found = ranked(drawn)
    assert_ranks_of_a_full_sort(drawn, found)
    assert_top_of_a_full_sort(drawn, found)


def test_a_collection_alone_has_no_pool_of_several() -> None:
    drawn = example(8, languages=["sw"], rounded=True, dimension=2)
    found = ranked(drawn)
    assert (found.rank_in, found.top) == ({}, {})
    assert_ranks_of_a_full_sort(drawn, found)


@pytest.mark.parametrize("ids", ID_ORDERS)
def test_other_pools_change_no_rank(ids: Ids) -> None:
    several, one = ranked(example(10, ids=ids, pools=POOLS)), ranked(example(10, ids=ids, pools={"all": LANGUAGES}))
    np.testing.assert_array_equal(several.rank, one.rank)
    np.testing.assert_array_equal(several.rank_in["all"], one.rank_in["all"])
    np.testing.assert_array_equal(several.top["all"], one.top["all"])
    np.testing.assert_array_equal(ranked(example(10, ids=ids, pools={})).rank, one.rank)


@pytest.mark.parametrize("ids", ID_ORDERS)
@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_nothing(threads: int, rounded: bool, ids: Ids) -> None:
    drawn = example(11, queries=1100, dimension=4 if rounded else 16, rounded=rounded, ids=ids, pools=POOLS)
    assert_same(ranked(drawn, threads=threads), ranked(drawn))


@pytest.mark.parametrize("ids", ID_ORDERS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("block_rows", "block_bytes"), [(1, 1 << 20), (7, 1 << 20), (31, 1 << 20), (512, 1), (512, 5003)])
def test_the_size_of_blocks_changes_no_rank(
    monkeypatch: pytest.MonkeyPatch, block_rows: int, block_bytes: int, threads: int, ids: Ids
) -> None:
    drawn = example(12, queries=61, dimension=4, rounded=True, ids=ids, pools=POOLS)
    expected = ranked(drawn)
    monkeypatch.setattr(ranking, "_BLOCK_ROWS", block_rows)
    monkeypatch.setattr(ranking, "_BLOCK_BYTES", block_bytes)
    assert len(list(row_blocks(61, len(drawn.columns.ids)))) > 1
    assert_same(ranked(drawn, threads=threads), expected)


@given(st.integers(0, 5000), st.integers(1, 10**9))
def test_blocks_hold_every_row_once(queries: int, passages: int) -> None:
    rows = [row for block in row_blocks(queries, passages) for row in range(block.start, block.stop)]
    assert rows == list(range(queries))


def test_progress_is_reported_for_every_query() -> None:
    drawn = example(13, queries=1100)
    told: list[int] = []
    rank_relevant(drawn.queries, drawn.columns, *drawn.pairs, progress=told.append)
    assert sum(told) == 1100
    assert len(told) > 1
