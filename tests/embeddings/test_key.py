"""The key of stored vectors: everything that a vector depends on, and nothing else."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench import Image
from hybrid_bench.embeddings.key import DEFAULTS, StoreKey
from hybrid_bench.embeddings.stored_collection import CollectionKey
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
    "modality": "image",
    "preprocessing": "resized to 224 x 224",
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
    assert json.loads(KEY.as_json()) | DEFAULTS == dataclasses.asdict(KEY)


def test_keys_of_texts_never_change() -> None:
    """Vectors that users have stored stay valid."""
    assert KEY.digest == "9997f24407a95a76b948e9fdee591c71cd368911024c354986db18950f749e14"
    key = CollectionKey.of(Counting(), "sentence", "fp16", 64)
    assert key.digest == "be2581e91150e7d888eabb2869409c89d677c794cac792139eb2a6e31bd2f533"
    assert key.of_shard("t", 3) == "38db0f006859647b07a93bb59bda271bb01fb5afab4c92eb2735092eec9d3fac"
    assert texts_hash(["a", "", "é"]) == "7f0c64ccdccb800d5c38ecd65a1fee4cc8f28e8da7e5ee69cc84e1498eb53624"


def test_preprocessing_is_part_of_the_key_of_images_only() -> None:
    encoder = Counting({"modalities": ("text", "image"), "preprocessing": "224 x 224"})
    assert StoreKey.of(encoder, "passage", "", "t", 1) == StoreKey.of(Counting(), "passage", "", "t", 1)
    key = StoreKey.of(encoder, "passage", "", "t", 1, "image")
    assert (key.modality, key.preprocessing) == ("image", "224 x 224")
    assert CollectionKey.of(encoder, "", "fp32", modality="image").fields().items() >= key.fields().items() - {
        ("texts", "t"),
        ("count", 1),
    }


@pytest.mark.parametrize(
    ("encoder", "field", "value"),
    [
        (Counting({"name": "other"}), "encoder", "other"),
        (Counting(fingerprint="b"), "fingerprint", "b"),
        (Counting({"passage_prefix": "x "}), "prefix", "x "),
        (Counting({"max_length": 8}), "max_length", 8),
        (Counting({"pooling": "cls"}), "pooling", "cls"),
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


def test_no_text_has_the_hash_of_an_image() -> None:
    image = Image.from_bytes(b"not decoded")
    marked = "\udcff" * 8 + bytes.fromhex(image.sha256).decode("utf-8", "surrogateescape")
    texts = [image.sha256, "not decoded", marked]
    hashes = {
        texts_hash(contents) for contents in ([image], *([text] for text in texts), [image, image], ["", image], [image, ""])
    }
    assert len(hashes) == 7
    assert texts_hash([image]) == texts_hash([Image.from_bytes(b"not decoded", "another name")])


def test_half_a_surrogate_pair_has_a_hash_too() -> None:
    assert texts_hash(["\ud800"]) != texts_hash(["\udfff"])


def test_vectors_that_an_earlier_version_pooled_without_eos_are_not_taken() -> None:
    encoder = Counting()
    encoder.card = encoder.card.model_copy(update={"pooling": "eos"})
    key = StoreKey.of(encoder, "query", "", texts_hash(TEXTS), len(TEXTS))
    assert key.digest != dataclasses.replace(key, pooling="eos").digest
