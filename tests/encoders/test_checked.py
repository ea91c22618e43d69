"""Validation of returned vectors. Invalid output is covered by the tests of the store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hybrid_bench import Encoder, HybridBenchError
from hybrid_bench.encoders.checked import UNIT_TOLERANCE, encode_checked
from hybrid_bench.plugin import Role
from tests.embeddings.encoders import ForImages
from tests.tiny_encoder import TinyEncoder


class Scaled(TinyEncoder):
    """Vectors of a given length in a given format."""

    def __init__(self, length: float, dtype: type = np.float32) -> None:
        super().__init__()
        self._length = length
        self._dtype = dtype

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        return (super().encode(texts, role).astype(np.float64) * self._length).astype(self._dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_vectors_are_float32_and_unit_length_up_to_the_rounding_of_half_precision(dtype: type) -> None:
    vectors = encode_checked(Scaled(1, dtype), ["one", "two", "three"], "query")
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    np.testing.assert_allclose(vectors, TinyEncoder().encode(["one", "two", "three"], "query"), atol=1e-3)


@pytest.mark.parametrize("length", [1 - 2 * UNIT_TOLERANCE, 1 + 2 * UNIT_TOLERANCE])
def test_a_length_that_rounding_does_not_explain_is_refused(length: float) -> None:
    with pytest.raises(HybridBenchError, match=f"returned a vector of length {length}"):
        encode_checked(Scaled(length), ["one"], "query")


def test_vectors_are_a_copy() -> None:
    class Remembering(TinyEncoder):
        def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
            self.returned = super().encode(texts, role)
            return self.returned

    encoder = Remembering()
    assert not np.shares_memory(encode_checked(encoder, ["one"], "query"), encoder.returned)


def test_encoders_satisfy_the_protocol_whatever_they_call_their_inputs() -> None:
    encoders: list[Encoder] = [TinyEncoder(), ForImages()]
    assert all(isinstance(encoder, Encoder) for encoder in encoders)


def test_no_texts_are_fine() -> None:
    assert encode_checked(TinyEncoder(), [], "query").shape == (0, 256)
