"""The vector of an input depends on that input only."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_bench.datasets.images import Input
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.testing.base import ROLES, EncoderTests, assert_same_vectors, encode, noun
from hybrid_bench.testing.samples import shuffled

_each_role = pytest.mark.parametrize("role", ROLES)


class IndependenceTests(EncoderTests):
    """It depends neither on the position, nor on the other inputs, nor on earlier and later calls."""

    @_each_role
    def test_vectors_are_in_the_order_of_the_inputs(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """Reordered inputs give the same vectors in the new order."""
        order = shuffled(inputs)
        reordered = [inputs[position] for position in order]
        assert_same_vectors(
            encode(encoder, reordered, role),
            encode(encoder, inputs, role)[order],
            reordered,
            self.tolerated(encoder),
            f"the vectors of {role} {noun(inputs)} are not in the order of the {noun(inputs)}",
        )

    @_each_role
    def test_a_vector_does_not_depend_on_other_inputs(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """An input has the same vector alone and in a batch."""
        # The longest text pads the others of its batch, which detects padding that is not masked.
        together = encode(encoder, inputs, role)
        alone = np.concatenate([encode(encoder, [item], role) for item in inputs])
        assert_same_vectors(
            alone,
            together,
            inputs,
            self.tolerated(encoder),
            f"the vector of a {role} depends on the {noun(inputs)} that are encoded with it",
        )

    @_each_role
    def test_the_same_call_gives_the_same_bytes(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """Encoding is deterministic: no dropout, no sampling, no random initialisation."""
        first, second = (np.array(encoder.encode(list(inputs), role)) for _ in range(2))
        assert first.tobytes() == second.tobytes(), (
            f"two equal calls of encode() with {role} {noun(inputs)} gave different vectors: switch dropout and sampling off"
        )

    @_each_role
    def test_a_later_call_does_not_change_returned_vectors(self, encoder: Encoder, inputs: tuple[Input, ...], role: Role) -> None:
        """The returned array is not a buffer that the next call overwrites."""
        returned = np.asarray(encoder.encode(list(inputs[:3]), role))
        before = returned.tobytes()
        encoder.encode(list(inputs[3:6]), role)
        assert returned.tobytes() == before, (
            f"a later call of encode() changed vectors of {role} {noun(inputs)} that an earlier one had returned: "
            "return a copy of the buffer"
        )
