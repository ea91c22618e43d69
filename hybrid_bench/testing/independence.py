"""A text's vector depends on the text alone."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.testing.base import ROLES, EncoderTests, assert_same_vectors, encode
from hybrid_bench.testing.samples import TEXTS, shuffled

_each_role = pytest.mark.parametrize("role", ROLES)


class IndependenceTests(EncoderTests):
    """Neither on its place, nor on the texts beside it, nor on when it is asked for."""

    @_each_role
    def test_vectors_are_in_the_order_of_the_texts(self, encoder: Encoder, role: Role) -> None:
        """Texts in another order give the same vectors in that order."""
        order = shuffled(TEXTS)
        texts = [TEXTS[position] for position in order]
        assert_same_vectors(
            encode(encoder, texts, role),
            encode(encoder, TEXTS, role)[order],
            texts,
            self.tolerated(encoder),
            f"the vectors of {role} texts are not in the order of the texts",
        )

    @_each_role
    def test_a_vector_does_not_depend_on_the_texts_beside_it(self, encoder: Encoder, role: Role) -> None:
        """A text alone has the vector that it has among others."""
        # The longest of them pads the others of its batch, which shows a padding that is not masked.
        together = encode(encoder, TEXTS, role)
        alone = np.concatenate([encode(encoder, [text], role) for text in TEXTS])
        assert_same_vectors(
            alone,
            together,
            TEXTS,
            self.tolerated(encoder),
            f"the vector of a {role} text depends on the texts that are encoded with it",
        )

    @_each_role
    def test_the_same_call_gives_the_same_bytes(self, encoder: Encoder, role: Role) -> None:
        """There is no chance in it: no dropout, no sampling, no random start."""
        first, second = (np.asarray(encoder.encode(list(TEXTS), role)) for _ in range(2))
        assert first.tobytes() == second.tobytes(), (
            f"two equal calls of encode() with {role} texts gave different vectors: switch dropout and sampling off"
        )
