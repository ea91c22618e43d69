"""The passages of several collections side by side, in the order in which ties are broken."""

from __future__ import annotations

import itertools

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR

from hybrid_bench import HybridBenchError
from hybrid_bench.retrieval.exact.columns import Columns
from tests.retrieval.examples import Example, tied_examples


def vectors(count: int) -> np.ndarray:
    return np.arange(count * 2, dtype=np.float32).reshape(count, 2)


def columns_of(found: slice | np.ndarray, count: int) -> list[int]:
    return np.arange(count)[found].tolist()


def test_ids_descend_and_take_their_vectors_along() -> None:
    columns = Columns.stack(
        {"de": np.array([[1, 0], [2, 0]], np.float32), "en": np.array([[3, 0], [4, 0], [5, 0]], np.float32)},
        {"de": ["de-1", "de-2"], "en": ["en-2", "en-3", "en-1"]},
        {"all": ("de", "en")},
    )
    assert columns.ids == ["en-3", "en-2", "en-1", "de-2", "de-1"]
    assert columns.vectors[:, 0].tolist() == [4, 3, 5, 2, 1]
    assert columns.blocks == {"en": slice(0, 3), "de": slice(3, 5)}
    assert (columns.names, columns.collection.tolist()) == (("de", "en"), [1, 1, 1, 0, 0])
    assert columns.position == {"en-3": 0, "en-2": 1, "en-1": 2, "de-2": 3, "de-1": 4}
    assert (columns.inside("en"), columns.inside("all")) == (slice(0, 3), slice(0, 5))
    assert (columns.whole("all"), columns.whole("en")) == (True, False)


@pytest.mark.parametrize(
    ("ids", "collection"),
    [
        ({"de": ["1", "3"], "en": ["2", "4"]}, [1, 0, 1, 0]),
        ({"de": ["1", "4"], "en": ["2", "3"]}, [0, 1, 1, 0]),
        ({"de": ["2"], "en": ["1", "3"]}, [1, 0, 1]),
    ],
)
def test_collections_whose_ids_alternate_are_no_ranges(ids: dict[str, list[str]], collection: list[int]) -> None:
    columns = Columns.stack({name: vectors(len(of)) for name, of in ids.items()}, ids, {"all": ("de", "en")})
    assert columns.ids == sorted((doc_id for of in ids.values() for doc_id in of), reverse=True)
    assert columns.blocks is None
    assert columns.collection.tolist() == collection
    assert columns_of(columns.inside("de"), len(collection)) == [at for at, index in enumerate(collection) if index == 0]
    assert columns.inside("all") == slice(0, len(collection))


def test_pools_of_collections_that_are_not_stacked_are_left_out() -> None:
    pools = {"all": ("de", "en", "th"), "western": ("de", "en")}
    ids = {"de": ["1"], "en": ["2"]}
    assert Columns.stack({name: vectors(1) for name in ids}, ids, pools).pools == {"western": ("de", "en")}


@given(tied_examples)
def test_collections_are_side_by_side_where_their_ids_sort_by_collection(example: Example) -> None:
    columns = example.columns
    order = [example.collection_of[doc_id] for doc_id in columns.ids]
    changes = sum(before != after for before, after in itertools.pairwise(order))
    assert (columns.blocks is not None) == (changes + 1 == len(example.ids))
    if columns.blocks is not None:
        ranges = sorted(columns.blocks.values(), key=lambda block: block.start)
        assert [block.start for block in ranges] == [0, *(block.stop for block in ranges[:-1])]
        assert ranges[-1].stop == len(columns.ids)


@given(tied_examples)
def test_a_pool_holds_the_passages_of_its_collections_alone(example: Example) -> None:
    columns = example.columns
    assert columns.pools == example.pools
    for pool in (*example.ids, *example.pools):
        inside = columns_of(columns.inside(pool), len(columns.ids))
        assert inside == sorted(inside)
        expected = [doc_id for name in example.pool(pool) for doc_id in example.ids[name]]
        assert sorted(columns.ids[at] for at in inside) == sorted(expected)


@given(tied_examples)
def test_every_passage_keeps_its_vector_and_collection(example: Example) -> None:
    for name, doc_ids in example.ids.items():
        at = [example.columns.position[doc_id] for doc_id in doc_ids]
        np.testing.assert_array_equal(example.columns.vectors[at], example.vectors[name])
        assert {example.columns.names[index] for index in example.columns.collection[at]} == {name}


@given(
    st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=3), min_size=1, max_size=8, unique=True)
)
def test_ids_in_any_script_are_in_the_order_in_which_trec_eval_breaks_ties(ids: list[str]) -> None:
    columns = Columns.stack({"und": vectors(len(ids))}, {"und": ids})
    tied = {"q": dict.fromkeys(ids, 1.0)}
    for column, doc_id in enumerate(columns.ids):
        assert ir_measures.calc_aggregate([RR], {"q": {doc_id: 1}}, tied)[RR] == pytest.approx(1 / (column + 1))


def test_an_id_in_two_collections_is_refused() -> None:
    with pytest.raises(HybridBenchError, match=r"passage ids occur in more than one collection\n  State unique_ids=False"):
        Columns.stack({"de": vectors(1), "en": vectors(1)}, {"de": ["1"], "en": ["1"]})


def test_an_id_that_occurs_twice_in_a_collection_is_refused() -> None:
    with pytest.raises(HybridBenchError, match="passage ids occur more than once in the collection de"):
        Columns.stack({"de": vectors(2)}, {"de": ["de-1", "de-1"]})
