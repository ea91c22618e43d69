"""Shared parts of the encoder's conformance tests: fixtures, and comparison of vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
import pytest

from hybrid_bench.datasets.images import Image, Input, Modality
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.testing.pictures import pictures
from hybrid_bench.testing.samples import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable

ROLES: tuple[Role, ...] = ("query", "passage")
MODALITIES: tuple[Modality, ...] = ("text", "image")

#: Largest distance between two vectors of the same input, as a share of their length, by compute dtype: batches of other
#: shapes are summed in another order. Multilingual-e5-small on a CPU needs 8e-7 (fp32), 1e-3 (fp16) and 6e-3 (bf16).
TOLERANCES: Mapping[str, float] = {"fp32": 1e-4, "fp16": 1e-2, "bf16": 5e-2, "int8": 5e-2}


class EncoderTests:
    """The encoder under test; see :class:`hybrid_bench.testing.EncoderConformance` for the attributes."""

    name: ClassVar[str] = ""
    tolerance: ClassVar[float | None] = None
    roles_differ: ClassVar[bool | None] = None

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Encoder:
        """The encoder, loaded once for all tests. Override it to test an encoder without an entry point."""
        assert cls.name, f"{cls.__name__} has no encoder to test: set `name` to an entry point or override the fixture `encoder`"
        return load_encoder(cls.name)

    @pytest.fixture(scope="class", params=MODALITIES)
    @classmethod
    def modality(cls, request: pytest.FixtureRequest, encoder: Encoder) -> Modality:
        """Runs a test for each modality on the encoder's card, and skips it for the others."""
        modality = cast(Modality, request.param)
        skip_without(encoder, modality)
        return modality

    @pytest.fixture(scope="class")
    @classmethod
    def inputs(cls, modality: Modality) -> tuple[Input, ...]:
        """The sample inputs of the modality; one occurs twice."""
        return TEXTS if modality == "text" else pictures()

    def tolerated(self, encoder: Encoder) -> float:
        """The tolerance for this encoder."""
        return TOLERANCES.get(encoder.dtype, 1e-4) if self.tolerance is None else self.tolerance


def skip_without(encoder: Encoder, modality: Modality) -> None:
    """Skip the test if the encoder lacks a modality."""
    known = getattr(encoder.card, "modalities", ("text",))  # another test checks the type of the card
    if modality not in known:
        pytest.skip(f"the card has no modality {modality!r}")


def encode(encoder: Encoder, inputs: Iterable[Input], role: Role) -> np.ndarray:
    """Encode inputs for a test that does not examine the format of the vectors.

    The result is converted to float64 and NaN to 0, so that one defect fails only the test that checks for it.

    Returns:
        (inputs, dimension) float64.
    """
    items = list(inputs)
    vectors = np.nan_to_num(np.asarray(encoder.encode(list(items), role), dtype=np.float64))
    assert_one_row_per_input(vectors, items, role)
    return vectors


def noun(inputs: Sequence[Input]) -> str:
    """What messages call the inputs."""
    return "images" if any(isinstance(item, Image) for item in inputs) else "texts"


def label(item: Input) -> str:
    """What messages call one input."""
    return repr(item.name if isinstance(item, Image) else item[:40])


def assert_one_row_per_input(vectors: np.ndarray, inputs: Sequence[Input], role: Role) -> None:
    """Assert the shape that all other checks rely on."""
    assert vectors.ndim == 2 and len(vectors) == len(inputs), (
        f"encode() returned an array of shape {vectors.shape} for {len(inputs)} {noun(inputs)} as {role}: "
        f"return ({len(inputs)}, dimension), a row for each input, repeated ones included"
    )


def assert_same_vectors(first: np.ndarray, second: np.ndarray, inputs: Sequence[Input], tolerance: float, problem: str) -> None:
    """Assert that rows are equal within a share of their length; the message names the input with the largest distance."""
    assert first.shape == second.shape, f"{problem}: shapes {first.shape} and {second.shape}"
    distance = relative_distance(first, second)
    worst = int(distance.argmax())
    assert distance[worst] <= tolerance, (
        f"{problem}: the distance is {distance[worst]:.2g} of the length for {label(inputs[worst])}, the tolerance {tolerance:g}"
    )


def relative_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance of rows as a share of the longer one: (rows,) float64."""
    longer = np.maximum(np.linalg.norm(first, axis=-1), np.linalg.norm(second, axis=-1))
    distance: np.ndarray = np.linalg.norm(first - second, axis=-1) / np.maximum(longer, np.finfo(np.float64).tiny)
    return distance
