"""The format of the vectors."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_bench.datasets.images import Input
from hybrid_bench.encoders.checked import UNIT_TOLERANCE
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.testing.base import ROLES, EncoderTests, assert_one_row_per_input, encode, noun, skip_without
from hybrid_bench.testing.pictures import pictures
from hybrid_bench.testing.samples import TEXTS

_each_role = pytest.mark.parametrize("role", ROLES)


class VectorTests(EncoderTests):
    """Type, shape, dimension, finiteness and length."""

    @_each_role
    def test_vectors_are_a_float32_array(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """Not a list, a tensor, or another dtype."""
        vectors: object = encoder.encode(list(inputs), role)
        assert isinstance(vectors, np.ndarray), (
            f"encode() returned a {type(vectors).__name__} for {noun(inputs)} as {role}: return a numpy array"
        )
        assert vectors.dtype == np.float32, (
            f"encode() returned an array of {vectors.dtype} for {noun(inputs)} as {role}: "
            "return float32, e.g. by .astype(np.float32)"
        )

    @_each_role
    def test_there_is_a_row_for_each_input(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """The shape is (inputs, dimension), repeated inputs included."""
        assert_one_row_per_input(np.asarray(encoder.encode(list(inputs), role)), inputs, role)

    @_each_role
    def test_one_input_gives_one_row(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """A single input is not a special case."""
        assert_one_row_per_input(np.asarray(encoder.encode([inputs[0]], role)), inputs[:1], role)

    @_each_role
    def test_no_inputs_give_no_rows(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """An empty list gives an empty array with the right dimension."""
        dimension = encode(encoder, inputs[:1], role).shape[1]
        try:
            vectors = np.asarray(encoder.encode([], role))
        except Exception as error:  # third-party code can raise anything
            pytest.fail(f"encode([], {role!r}) raised {type(error).__name__}: {error}; return an array of shape (0, {dimension})")
        assert vectors.shape == (0, dimension), (
            f"encode([], {role!r}) returned an array of shape {vectors.shape}: return one of shape (0, {dimension})"
        )

    @_each_role
    def test_vectors_have_the_dimension_of_the_card(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """If the card states one."""
        dimension = encode(encoder, inputs, role).shape[1]
        assert encoder.card.dimension in (None, dimension), (
            f"{noun(inputs)} as {role} have {dimension} dimensions, the card says dimension = {encoder.card.dimension}"
        )

    def test_queries_and_passages_have_the_same_dimension(self, encoder: Encoder, inputs: tuple[Input, ...]) -> None:
        """Their dot product is the score."""
        query, passage = (encode(encoder, inputs, role).shape[1] for role in ROLES)
        assert query == passage, f"queries have {query} dimensions and passages {passage}: both need the same"

    def test_texts_and_images_have_the_same_dimension(self, encoder: Encoder) -> None:
        """Text queries are compared with images, and images with texts."""
        skip_without(encoder, "text")
        skip_without(encoder, "image")
        text, image = encode(encoder, TEXTS, "query").shape[1], encode(encoder, pictures(), "passage").shape[1]
        assert text == image, f"texts have {text} dimensions and images {image}: both need the same"

    @_each_role
    def test_vectors_are_finite(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """No NaN, no infinity."""
        assert_finite(np.asarray(encoder.encode(list(inputs), role)), f"{noun(inputs)} as {role}")

    @_each_role
    def test_vectors_have_unit_length_if_the_card_says_cosine(
        self, encoder: Encoder, inputs: tuple[Input, ...], role: Role
    ) -> None:
        """The score is a dot product, so the encoder must normalise."""
        if encoder.card.similarity != "cosine":
            pytest.skip(f"the card says similarity = {encoder.card.similarity!r}")
        assert_unit_length(np.asarray(encoder.encode(list(inputs), role)), f"{noun(inputs)} as {role}")


def assert_finite(vectors: np.ndarray, what: str) -> None:
    """Assert that there is no NaN or infinity."""
    assert np.isfinite(vectors).all(), f"the vectors of {what} contain NaN or infinity"


def assert_unit_length(vectors: np.ndarray, what: str) -> None:
    """Assert that every finite row has length 1; another test checks that rows are finite."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1)
    off = lengths[np.isfinite(lengths) & (np.abs(lengths - 1) > UNIT_TOLERANCE)]
    assert not len(off), (
        f"a vector of {what} has length {off[0]:.4g}, but the card says similarity = 'cosine': "
        "normalise the vectors, or set similarity = 'dot'"
    )
