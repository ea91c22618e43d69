"""Batches by tokens."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench import Encoder, EncoderCard, HybridBenchError
from hybrid_bench.encoders.batching import InBatches, token_batches
from hybrid_bench.plugin import Role

all_lengths = st.lists(st.integers(1, 600), max_size=60)
budgets = st.integers(1, 2048)


def test_written_out() -> None:
    assert list(token_batches([7, 3, 3, 9, 2], 9)) == [[4, 1, 2], [0], [3]]


@given(all_lengths, budgets)
def test_every_text_is_in_one_batch(lengths: list[int], budget: int) -> None:
    batches = list(token_batches(lengths, budget))
    assert sorted(itertools.chain.from_iterable(batches)) == list(range(len(lengths)))
    assert all(batches)


@given(all_lengths, budgets)
def test_a_batch_with_its_padding_keeps_the_budget_unless_it_is_one_text(lengths: list[int], budget: int) -> None:
    for batch in token_batches(lengths, budget):
        assert len(batch) == 1 or max(lengths[index] for index in batch) * len(batch) <= budget


@given(all_lengths, budgets)
def test_texts_are_sorted_by_length_and_then_by_place(lengths: list[int], budget: int) -> None:
    order = list(itertools.chain.from_iterable(token_batches(lengths, budget)))
    assert order == sorted(order, key=lambda index: (lengths[index], index))


@given(all_lengths, budgets)
def test_no_batch_could_take_the_first_text_of_the_next(lengths: list[int], budget: int) -> None:
    for batch, following in itertools.pairwise(token_batches(lengths, budget)):
        assert lengths[following[0]] * (len(batch) + 1) > budget


class Seen:
    """An encoder that notes its batches."""

    card, fingerprint, dtype, device = EncoderCard(name="seen", backend="static", similarity="dot"), "1", "fp32", "cpu"

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        self.batches.append(list(texts))
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32).reshape(-1, 2)


@given(st.lists(st.text("abc", min_size=1, max_size=9)), st.integers(1, 5))
def test_no_batch_has_more_inputs_than_asked_for(texts: list[str], size: int) -> None:
    seen = Seen()
    batched = InBatches(seen, size)
    assert isinstance(batched, Encoder)
    assert np.array_equal(batched.encode(texts, "query"), Seen().encode(texts, "query"))
    assert all(len(batch) <= size for batch in seen.batches)
    assert [len(text) for batch in seen.batches for text in batch] == sorted(map(len, texts))


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(HybridBenchError, match="a batch of 0 texts is empty"):
        InBatches(Seen(), 0)
