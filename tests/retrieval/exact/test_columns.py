"""The passages side by side: in the order in which ties are broken, each pool a range."""

from __future__ import annotations

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


def test_ids_descend_and_take_their_vectors_along() -> None:
    columns = Columns.stack(
        {"de": np.array([[1, 0], [2, 0]], np.float32), "en": np.array([[3, 0], [4, 0], [5, 0]], np.float32)},
        {"de": ["de-1", "de-2"], "en": ["en-2", "en-3", "en-1"]},
    )
    assert columns.ids == ["en-3", "en-2", "en-1", "de-2", "de-1"]
    assert columns.vectors[:, 0].tolist() == [4, 3, 5, 2, 1]
    assert columns.pools == {"en": slice(0, 3), "de": slice(3, 5)}
    assert columns.position == {"en-3": 0, "en-2": 1, "en-1": 2, "de-2": 3, "de-1": 4}


@given(tied_examples)
def test_pools_lie_side_by_side_and_hold_their_language_alone(example: Example) -> None:
    columns = example.columns
    ranges = sorted(columns.pools.values(), key=lambda pool: pool.start)
    assert [pool.start for pool in ranges] == [0, *(pool.stop for pool in ranges[:-1])]
    assert ranges[-1].stop == len(columns.ids)
    for language, pool in columns.pools.items():
        assert sorted(columns.ids[pool]) == sorted(example.ids[language])


@given(tied_examples)
def test_every_passage_keeps_its_vector(example: Example) -> None:
    for language, doc_ids in example.ids.items():
        at = [example.columns.position[doc_id] for doc_id in doc_ids]
        np.testing.assert_array_equal(example.columns.vectors[at], example.vectors[language])


@given(
    st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=3), min_size=1, max_size=8, unique=True)
)
def test_ids_in_any_script_stand_in_the_order_in_which_trec_eval_breaks_ties(ids: list[str]) -> None:
    columns = Columns.stack({"und": vectors(len(ids))}, {"und": ids})
    tied = {"q": dict.fromkeys(ids, 1.0)}
    for column, doc_id in enumerate(columns.ids):
        assert ir_measures.calc_aggregate([RR], {"q": {doc_id: 1}}, tied)[RR] == pytest.approx(1 / (column + 1))


def test_an_id_in_two_languages_is_refused() -> None:
    with pytest.raises(HybridBenchError, match=r"document ids occur in more than one language\n  Prefix them"):
        Columns.stack({"de": vectors(1), "en": vectors(1)}, {"de": ["1"], "en": ["1"]})


def test_an_id_that_occurs_twice_in_a_language_is_refused() -> None:
    with pytest.raises(HybridBenchError, match="document ids occur"):
        Columns.stack({"de": vectors(2)}, {"de": ["de-1", "de-1"]})


@pytest.mark.parametrize(
    "ids",
    [
        {"de": ["1", "3"], "en": ["2", "4"]},
        {"de": ["1", "4"], "en": ["2", "3"]},
        {"de": ["2"], "en": ["1", "3"]},
    ],
)
def test_ids_that_do_not_sort_by_language_are_refused(ids: dict[str, list[str]]) -> None:
    with pytest.raises(HybridBenchError, match=r"document ids do not sort by language\n  Prefix them with the language"):
        Columns.stack({language: vectors(len(of_language)) for language, of_language in ids.items()}, ids)
