"""Texts as they come: long, unusual, in any sequence."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.testing.base import ROLES, EncoderTests, assert_one_row_a_text, encode
from hybrid_bench.testing.samples import LONG, TEXTS, UNUSUAL
from hybrid_bench.testing.vectors import assert_finite, assert_unit_length


class InputTests(EncoderTests):
    """No text of a collection may stop a run of hours, and no input may be changed."""

    @pytest.mark.parametrize("kind", LONG)
    def test_a_very_long_text_is_cut(self, encoder: Encoder, kind: str) -> None:
        """20,000 characters neither fail nor give something else than a vector."""
        _assert_encodes(encoder, LONG[kind], "passage", f"a text of 20,000 characters ({kind})")

    @pytest.mark.parametrize("kind", UNUSUAL)
    def test_unusual_text_has_a_vector(self, encoder: Encoder, kind: str) -> None:
        """Whatever Unicode allows is encoded, in both roles."""
        for role in ROLES:
            _assert_encodes(encoder, UNUSUAL[kind], role, f"{kind} as {role}")

    def test_any_sequence_of_texts_is_accepted(self, encoder: Encoder) -> None:
        """A tuple serves as well as a list."""
        try:
            from_tuple = np.asarray(encoder.encode(TEXTS, "passage"), dtype=np.float64)
        except Exception as error:  # whatever it raises is what this test is about
            pytest.fail(f"encode() takes a list but not a tuple, it raised {type(error).__name__}: {error}; accept any sequence")
        from_list = encode(encoder, TEXTS, "passage")
        assert from_tuple.shape == from_list.shape, (
            f"encode() returned shape {from_list.shape} for a list and {from_tuple.shape} for a tuple of the same texts"
        )

    def test_its_input_is_left_as_it_was(self, encoder: Encoder) -> None:
        """The caller's list belongs to the caller."""
        for role in ROLES:
            texts = list(TEXTS)
            encoder.encode(texts, role)
            assert texts == list(TEXTS), f"encode() changed the list of texts that it was given as {role}: work on a copy"


def _assert_encodes(encoder: Encoder, text: str, role: Role, what: str) -> None:
    try:
        vectors = np.asarray(encoder.encode([text], role))
    except Exception as error:  # whatever it raises is what these tests are about
        pytest.fail(f"encode() raised {type(error).__name__} for {what}: {str(error)[:200]}")
    assert_one_row_a_text(vectors, [text], role)
    assert_finite(vectors, what)
    if encoder.card.similarity == "cosine":
        assert_unit_length(vectors, what)
