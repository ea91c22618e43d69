"""The cards of the shipped encoders, in Hugging Face's format, have the scores of the boards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from hybrid_bench.encoders.load import REGISTRY

ROOT = Path(__file__).parent.parent.parent
CARDS = sorted(ROOT.glob("plugins/*/cards/*.md"))
#: Plugin to the suite that its encoders are for.
SUITES = {"images": "multi30k-flickr8k"}


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_card_has_the_scores_of_the_board(path: Path) -> None:
    data = ModelCard.load(path).data
    assert data.model_name == path.stem in REGISTRY
    suite = SUITES.get(path.parent.parent.name, "xquad-r")
    board = json.loads((ROOT / "leaderboards" / f"{suite}.json").read_text(encoding="utf-8"))
    (row,) = (row for row in board["recomputed"] if row["encoder"] == f"hybrid-bench/{path.stem}")
    results = [one for one in data.eval_results or () if one.dataset_type == suite]
    found = {(one.dataset_config, one.metric_name): one.metric_value for one in results}
    for column in board["columns"]:
        # Submitted vectors are rounded to fp16, which moves some ranks.
        expected = pytest.approx(row["values"][column["key"]], rel=1e-3)
        assert found[column["setting"], column["measure"]] == expected, column["key"]


def test_every_shipped_encoder_has_a_card() -> None:
    assert [path.stem for path in CARDS] == [
        "cross-me5-small+lite0",
        "hybrid-me5-small+lite0",
        "me5-small+lite0",
        "mono-me5-small+lite0",
        "cross-me5-small",
        "hybrid-me5-small",
        "mono-me5-small",
        "me5-small",
        "use-multilingual",
    ]
