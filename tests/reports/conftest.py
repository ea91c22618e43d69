"""Results of small encoders on some languages of ``mini``."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_bench import EvaluationOptions, Result, evaluate
from tests.tiny_encoder import TinyEncoder


def tiny(dimension: int, name: str = "") -> Result:
    encoder = TinyEncoder(dimension=dimension)
    encoder.card = encoder.card.model_copy(update={"name": name or f"tiny-{dimension}"})
    return evaluate(encoder, "mini", options=EvaluationOptions(languages=("de", "en", "th")))


@pytest.fixture(scope="session")
def four() -> list[Result]:
    return [tiny(dimension) for dimension in (16, 32, 64, 512)]


@pytest.fixture(scope="session")
def files(four: list[Result], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("results")
    return [result.save(folder) for result in four]
