"""Realistic inputs: long texts, unusual texts and images, any sequence type."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_bench.datasets.images import Input
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.testing import pictures
from hybrid_bench.testing.base import ROLES, EncoderTests, assert_one_row_per_input, encode, noun, skip_without
from hybrid_bench.testing.samples import LONG, UNUSUAL
from hybrid_bench.testing.vectors import assert_finite, assert_unit_length


class InputTests(EncoderTests):
    """A single input must not stop a run of hours, and inputs must not be modified."""

    @pytest.mark.parametrize("kind", LONG)
    def test_a_very_long_text_is_truncated(self, encoder: Encoder, kind: str) -> None:
        """20,000 characters give a valid vector."""
        skip_without(encoder, "text")
        _assert_encodes(encoder, LONG[kind], "passage", f"a text of 20,000 characters ({kind})")

    @pytest.mark.parametrize("kind", UNUSUAL)
    def test_unusual_text_has_a_vector(self, encoder: Encoder, kind: str) -> None:
        """All of Unicode can be encoded, in both roles."""
        skip_without(encoder, "text")
        for role in ROLES:
            _assert_encodes(encoder, UNUSUAL[kind], role, f"{kind} as {role}")

    @pytest.mark.parametrize("kind", pictures.UNUSUAL)
    def test_an_unusual_image_has_a_vector(self, encoder: Encoder, kind: str) -> None:
        """All modes and shapes of images can be encoded, in both roles."""
        skip_without(encoder, "image")
        for role in ROLES:
            _assert_encodes(encoder, pictures.unusual(kind), role, f"an image with {kind} as {role}")

    def test_any_sequence_is_accepted(self, encoder: Encoder, inputs: tuple[Input, ...]) -> None:
        """A tuple works as well as a list."""
        try:
            from_tuple = np.asarray(encoder.encode(inputs, "passage"), dtype=np.float64)
        except Exception as error:  # third-party code can raise anything
            pytest.fail(f"encode() takes a list but not a tuple, it raised {type(error).__name__}: {error}; accept any sequence")
        from_list = encode(encoder, inputs, "passage")
        assert from_tuple.shape == from_list.shape, (
            f"encode() returned shape {from_list.shape} for a list and {from_tuple.shape} for a tuple of the same {noun(inputs)}"
        )

    def test_its_input_is_not_changed(self, encoder: Encoder, inputs: tuple[Input, ...]) -> None:
        """The caller's list has the same items afterwards."""
        for role in ROLES:
            items = list(inputs)
            encoder.encode(items, role)
            assert items == list(inputs), f"encode() changed the list of {noun(inputs)} that it was given as {role}: use a copy"


def _assert_encodes(encoder: Encoder, item: Input, role: Role, what: str) -> None:
    try:
        vectors = np.asarray(encoder.encode([item], role))
    except Exception as error:  # third-party code can raise anything
        pytest.fail(f"encode() raised {type(error).__name__} for {what}: {str(error)[:200]}")
    assert_one_row_per_input(vectors, [item], role)
    assert_finite(vectors, what)
    if encoder.card.similarity == "cosine":
        assert_unit_length(vectors, what)
