"""The file of answers, whole and damaged."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench_api.answers import Answers, key_of
from tests.mutations import mutated

KEYS = [key_of(f"text {number}", "query") for number in range(12)]
VECTORS = np.arange(60, dtype=np.float32).reshape(12, 5)


def test_answers_are_found_again(tmp_path: Path) -> None:
    Answers(tmp_path / "a.sqlite").add(KEYS[:7], VECTORS[:7])
    found = Answers(tmp_path / "a.sqlite").find(KEYS)
    assert list(found) == sorted(KEYS[:7], key=list(found).index)
    assert all((found[key] == vector).all() for key, vector in zip(KEYS[:7], VECTORS[:7], strict=True))
    assert key_of("text 1", "query") != key_of("text 1", "passage")


def test_another_dimension_is_not_kept(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "a.sqlite")
    answers.add(KEYS[:2], VECTORS[:2])
    with pytest.raises(HybridBenchError, match="dimension 3, and earlier with dimension 5"):
        answers.add(KEYS[2:4], VECTORS[2:4, :3])
    assert len(answers.find(KEYS)) == 2


def test_a_damaged_file_gives_right_answers_or_an_error(tmp_path: Path) -> None:
    Answers(tmp_path / "whole.sqlite").add(KEYS, VECTORS)
    for rest in tmp_path.glob("whole.sqlite-*"):
        rest.unlink()
    content = (tmp_path / "whole.sqlite").read_bytes()
    rng = random.Random(7)
    right = dict(zip(KEYS, VECTORS, strict=True))
    errors = 0
    path = tmp_path / "damaged.sqlite"
    for number in range(2000):
        path.write_bytes(mutated(content, rng))
        try:
            answers = Answers(path)
            found = answers.find(KEYS)
            assert all((right[key] == vector).all() for key, vector in found.items())
            if number % 50 == 0:  # waits for the disk
                answers.add(KEYS[:1], VECTORS[:1])
                assert (answers.find(KEYS[:1])[KEYS[0]] == VECTORS[0]).all()
        except HybridBenchError as error:
            assert str(path) in error.problem
            errors += 1
        for rest in tmp_path.glob("damaged.sqlite-*"):
            rest.unlink()
    assert errors
