"""The key of stored vectors: everything that decides a vector, and nothing else."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench.embeddings.key import StoreKey
from hybrid_bench.support.hashing import texts_hash
from tests.embeddings.encoders import TEXTS, Counting

KEY = StoreKey(
    encoder="tiny",
    fingerprint="a1",
    role="passage",
    prefix="p ",
    passage_text="sentence",
    max_length=512,
    pooling="mean",
    similarity="cosine",
    dtype="fp32",
    device="cpu",
    texts=texts_hash(TEXTS),
    count=len(TEXTS),
)

#: Another value for every field, and where to find it in an encoder.
OTHER: dict[str, Any] = {
    "encoder": "tinier",
    "fingerprint": "a2",
    "role": "query",
    "prefix": "p",
    "passage_text": "sentence+context",
    "max_length": None,
    "pooling": "cls",
    "similarity": "dot",
    "dtype": "bf16",
    "device": "cuda",
    "texts": texts_hash(TEXTS[::-1]),
    "count": 1,
}


def test_every_field_has_another_value_below() -> None:
    assert set(OTHER) == {field.name for field in dataclasses.fields(StoreKey)}


@pytest.mark.parametrize("field", OTHER)
def test_any_field_that_differs_gives_another_digest(field: str) -> None:
    assert dataclasses.replace(KEY, **{field: OTHER[field]}).digest != KEY.digest


@given(st.text(), st.text(), st.text(), st.text())
def test_text_does_not_move_from_one_field_to_the_next(encoder: str, fingerprint: str, prefix: str, pooling: str) -> None:
    fields = {"encoder": encoder, "fingerprint": fingerprint, "prefix": prefix, "pooling": pooling}
    key = dataclasses.replace(KEY, **fields)
    moved = dataclasses.replace(KEY, **dict(zip(fields, [*list(fields.values())[1:], encoder], strict=True)))
    assert (key.digest == moved.digest) == (key == moved)


def test_the_same_key_has_the_same_digest_and_reads_as_json() -> None:
    again = dataclasses.replace(KEY)
    assert again.digest == KEY.digest
    assert json.loads(KEY.as_json()) == dataclasses.asdict(KEY)


@pytest.mark.parametrize(
    ("encoder", "field", "value"),
    [
        (Counting({"name": "other"}), "encoder", "other"),
        (Counting(fingerprint="b"), "fingerprint", "b"),
        (Counting({"passage_prefix": "x "}), "prefix", "x "),
        (Counting({"max_length": 8}), "max_length", 8),
        (Counting({"pooling": "eos"}), "pooling", "eos"),
        (Counting({"similarity": "dot"}), "similarity", "dot"),
        (Counting(dtype="int8"), "dtype", "int8"),
        (Counting(device="mps"), "device", "mps"),
    ],
)
def test_what_decides_a_vector_is_taken_from_the_encoder(encoder: Counting, field: str, value: Any) -> None:
    plain = StoreKey.of(Counting(), "passage", "sentence", KEY.texts, KEY.count)
    assert StoreKey.of(encoder, "passage", "sentence", KEY.texts, KEY.count) == dataclasses.replace(plain, **{field: value})


def test_what_is_taken_of_a_passage_says_nothing_of_a_query() -> None:
    keys = [StoreKey.of(Counting(), "query", passage_text, "t", 1) for passage_text in ("sentence", "sentence+context")]
    assert keys[0] == keys[1]
    assert keys[0].prefix == "q "


lists = st.lists(st.text(st.characters(), max_size=4), max_size=4)


@given(lists, lists)
def test_only_equal_lists_of_texts_share_a_hash(one: list[str], other: list[str]) -> None:
    assert (texts_hash(one) == texts_hash(other)) == (one == other)


@given(st.lists(st.text(max_size=4), min_size=2, max_size=4), st.data())
def test_where_one_text_ends_and_the_next_begins_matters(texts: list[str], data: st.DataObject) -> None:
    joined = "".join(texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(joined)), max_size=3)))
    other = [joined[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(joined)], strict=True)]
    assert (texts_hash(texts) == texts_hash(other)) == (texts == other)


@pytest.mark.parametrize(
    ("one", "other"), [(["ab"], ["a", "b"]), ([], [""]), (["", "a"], ["a", ""]), (["a"], ["a", ""]), (["é"], ["e\u0301"])]
)
def test_lists_that_look_alike_have_different_hashes(one: list[str], other: list[str]) -> None:
    assert texts_hash(one) != texts_hash(other)


def test_half_a_surrogate_pair_has_a_hash_too() -> None:
    assert texts_hash(["\ud800"]) != texts_hash(["\udfff"])
