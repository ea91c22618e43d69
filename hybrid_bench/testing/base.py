"""What the conformance tests of an encoder share: the encoder itself, and how vectors are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.protocol import Encoder, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

ROLES: tuple[Role, ...] = ("query", "passage")

#: How far apart two vectors of one text may be, as a share of their length, by the number format computed in: batches of
#: other shapes are summed in another order. Multilingual-e5-small on a CPU needs 8e-7 (fp32), 1e-3 (fp16) and 6e-3 (bf16).
TOLERANCES: Mapping[str, float] = {"fp32": 1e-4, "fp16": 1e-2, "bf16": 5e-2, "int8": 5e-2}


class EncoderTests:
    """The encoder under test; see :class:`hybrid_bench.testing.EncoderConformance` for the attributes."""

    name: ClassVar[str] = ""
    tolerance: ClassVar[float | None] = None
    roles_differ: ClassVar[bool | None] = None

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Encoder:
        """The encoder, loaded once for all tests. Override it to test one that has no entry point."""
        assert cls.name, f"{cls.__name__} has no encoder to test: set `name` to an entry point or override the fixture `encoder`"
        return load_encoder(cls.name)

    def tolerated(self, encoder: Encoder) -> float:
        """The tolerance that holds for this encoder."""
        return TOLERANCES.get(encoder.dtype, 1e-4) if self.tolerance is None else self.tolerance


def encode(encoder: Encoder, texts: Iterable[str], role: Role) -> np.ndarray:
    """Encode texts for a test that is not about the form of the vectors.

    Whatever the encoder returns becomes float64 and NaN becomes 0, so that one defect fails the test that is about it and
    not all the others.

    Returns:
        (texts, dimension) float64.
    """
    asked = list(texts)
    vectors = np.nan_to_num(np.asarray(encoder.encode(list(asked), role), dtype=np.float64))
    assert_one_row_a_text(vectors, asked, role)
    return vectors


def assert_one_row_a_text(vectors: np.ndarray, texts: Sequence[str], role: Role) -> None:
    """Assert the shape without which nothing else can be asked."""
    assert vectors.ndim == 2 and len(vectors) == len(texts), (
        f"encode() returned an array of shape {vectors.shape} for {len(texts)} texts as {role}: "
        f"return ({len(texts)}, dimension), a row for each text, repeated texts included"
    )


def assert_same_vectors(first: np.ndarray, second: np.ndarray, texts: Sequence[str], tolerance: float, problem: str) -> None:
    """Assert that rows are equal up to a share of their length, and name the text where they are farthest apart."""
    assert first.shape == second.shape, f"{problem}: shapes {first.shape} and {second.shape}"
    distance = relative_distance(first, second)
    worst = int(distance.argmax())
    assert distance[worst] <= tolerance, (
        f"{problem}: {distance[worst]:.2g} of its length apart for {texts[worst][:40]!r}, tolerated is {tolerance:g}"
    )


def relative_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance of rows as a share of the longer one: (rows,) float64."""
    longer = np.maximum(np.linalg.norm(first, axis=-1), np.linalg.norm(second, axis=-1))
    distance: np.ndarray = np.linalg.norm(first - second, axis=-1) / np.maximum(longer, np.finfo(np.float64).tiny)
    return distance
