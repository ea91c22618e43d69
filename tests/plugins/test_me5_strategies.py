"""The three encoders of one recipe: their cards, sizes, recipes and scores."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

pytest.importorskip("hybrid_bench_me5_strategies")

from hybrid_bench import EvaluationOptions, evaluate, load_encoder, load_suite
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.support import toml
from hybrid_bench.training.recipe import Recipe

STRATEGIES = ("hybrid", "mono", "cross")
FOLDER = Path(str(resources.files("hybrid_bench_me5_strategies")))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_installed_encoder_is_small_and_states_its_training_data(strategy: str) -> None:
    folder = FOLDER / strategy
    assert (folder / "difference.safetensors").stat().st_size < 16_000_000
    card = EncoderCard.read(folder / "encoder.toml")
    assert (card.name, card.base) == (f"{strategy}-me5-small", "me5-small")
    assert "without any question, passage or paragraph of xquad-r, mlqa-r" in card.training_data
    manifest = json.loads((folder / "training-data.json").read_text())
    assert {"xquad-r", "mlqa-r"} <= {*manifest["suites"]}
    assert sum(entry["rows"] for entry in manifest["filters"]["taken"]) > 0
    assert set(card.tuned_languages) == {language for rows in manifest["rows"].values() for language in rows["passages"]}
    assert set(card.languages) > set(card.tuned_languages)
    assert {"miracl", "mr-tydi", "question-sources"} <= set(card.trained_on_suites or ())


def test_the_recipes_differ_only_in_their_strategy() -> None:
    read = {name: Recipe.parse(toml.load(FOLDER / name / "recipe.toml"), name).model_dump() for name in STRATEGIES}
    for name, fields in read.items():
        assert fields.pop("name") == f"{name}-me5-small"
        assert fields["batches"].pop("strategy") == name
    assert read["hybrid"] == read["mono"] == read["cross"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_packaged_recipe_is_that_of_the_repository(strategy: str, root: Path) -> None:
    assert Recipe.read(FOLDER / strategy / "recipe.toml") == Recipe.read(root / "recipes" / f"{strategy}-me5-small.toml")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_encoders_load_by_name_and_are_evaluated(strategy: str, tmp_path: Path) -> None:
    encoder = load_encoder(f"{strategy}-me5-small", dtype="fp32", device="cpu")
    vectors = encoder.encode(["Where do swallows spend the winter?", "Wo verbringen Schwalben den Winter?"], "query")
    assert vectors.shape == (2, 384)
    assert float(vectors[0] @ vectors[1]) > 0.5
    scores = evaluate(encoder, load_suite("mini").restrict(["en", "th", "zh"]), options=EvaluationOptions(store=tmp_path)).scores
    mean = scores[scores["measure"] == "AP"].groupby("setting")["value"].mean()
    assert mean["monolingual"] > mean["cross-lingual"] > mean["multilingual"] > 0.6
