"""2,000 damaged cards of encoders: a card, or one error that names the file."""

from __future__ import annotations

import random
from pathlib import Path

from hybrid_bench import HybridBenchError
from hybrid_bench.encoders.load import _folder_card
from tests.mutations import mutated

CARD = b"""name = "my-encoder"
backend = "transformers"
model = "."
pooling = "mean"
query_prefix = "Frage: "
passage_prefix = "\\u00fc: "
max_length = 512
dimension = 384
languages = ["de", "en"]
trained_on_suites = []
"""


def test_damaged_cards(tmp_path: Path) -> None:
    path, rng, refused = tmp_path / "encoder.toml", random.Random(7), 0
    for _ in range(2000):
        path.write_bytes(mutated(CARD, rng))
        try:
            card = _folder_card(tmp_path, {})
        except HybridBenchError as error:
            assert str(path) in error.problem
            refused += 1
        else:
            assert Path(card.model).is_relative_to(tmp_path.resolve())
    assert 500 < refused < 2000
