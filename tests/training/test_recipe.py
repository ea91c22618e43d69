"""Recipes: every choice by name, nothing else, and one that changes another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.support import toml
from hybrid_bench.training.recipe import Recipe, parse_changes

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
SMALLEST: dict[str, Any] = {"name": "r", "base": "b", "data": {"sources": {"ntrex": 1}}, "optimiser": {"steps": 3}}


def test_the_shipped_recipes_are_read() -> None:
    names = {path.stem: Recipe.read(path) for path in RECIPES.glob("*.toml")}
    assert {"hybrid-me5-small", "mono-me5-small", "cross-me5-small", "english-me5-small"} <= names.keys()
    assert all(recipe.name == name for name, recipe in names.items())


@pytest.mark.parametrize("strategy", ["mono", "cross", "english", "code-switched"])
def test_shipped_recipes_differ_in_the_strategy_only(strategy: str) -> None:
    hybrid = Recipe.read(RECIPES / "hybrid-me5-small.toml").model_dump()
    other = Recipe.read(RECIPES / f"{strategy}-me5-small.toml").model_dump()
    assert other["batches"].pop("strategy") == strategy
    assert hybrid["batches"].pop("strategy") == "hybrid"
    assert other.pop("name") == f"{strategy}-me5-small"
    assert hybrid.pop("name") == "hybrid-me5-small"
    assert other == hybrid


def test_to_toml_round_trip() -> None:
    for path in RECIPES.glob("*.toml"):
        recipe = Recipe.read(path)
        again = Recipe.parse(toml.loads(recipe.to_toml(), "written out"), "written out")
        assert again == recipe
        assert again.hash == recipe.hash
        assert recipe.model_copy(update={"name": "other"}).hash == recipe.hash, "the name does not affect the training"
        assert recipe.model_copy(update={"seed": 77}).hash != recipe.hash


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"optimiser": {"steps": 3, "learning_rat": 1e-4}}, "optimiser.learning_rat"),
        ({"temprature": 0.1}, "temprature"),
        ({"batches": {"alpha": 1.5}}, "batches.alpha"),
        ({"batches": {"alpha": float("nan")}}, "batches.alpha"),
        ({"batches": {"strategy": "X-Y"}}, "batches.strategy"),
        ({"batches": {"size": 1}}, "batches.size"),
        ({"loss": {"temperature": 0}}, "loss.temperature"),
        ({"optimiser": {}}, "optimiser.steps"),
        ({"data": {"sources": {}}}, "data.sources"),
        ({"data": {"sources": {"ntrex": 0}}}, "data.sources.ntrex"),
        ({"name": "../elsewhere"}, "name"),
        ({"dev": {"questions": 0, "patience": 2}}, "patience needs a development set"),
    ],
)
def test_error_names_the_invalid_key(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(HybridBenchError, match=rf"the recipe is not a valid recipe: .*\b{named}: ") as caught:
        Recipe.parse(SMALLEST | changes, "the recipe")
    unknown = "unknown key" in caught.value.problem
    assert ("Known keys: extends, name, base" in caught.value.remedy) == unknown
    assert ("the reference has the values" in caught.value.remedy) != unknown


def test_error_suggests_similar_keys() -> None:
    with pytest.raises(HybridBenchError) as caught:
        Recipe.parse(SMALLEST | {"batches": {"alfa": 0.5}, "sed": 1, "nothing_like_it": 1}, "the recipe")
    assert caught.value.remedy.startswith("Did you mean batches.alpha and seed? Known keys: extends, ")
    for key, meant in (("alpha", "batches.alpha"), ("steps", "optimiser.steps"), ("batch.size", "batches")):
        with pytest.raises(HybridBenchError, match=rf"\.toml with {key} set is not a valid recipe: .*: unknown key") as caught:
            Recipe.read(RECIPES / "hybrid-me5-small.toml", {key: 1})
        assert f"Did you mean {meant}? " in caught.value.remedy


def test_to_toml_lists_unset_keys() -> None:
    written = Recipe.parse(SMALLEST, "r").to_toml()
    assert written.endswith(
        "# Not set: weights.layers, weights.dropout, texts.query_prefix, texts.passage_prefix, texts.pooling, averaging.rank.\n"
    )


def test_description_is_not_inherited(tmp_path: Path) -> None:
    (tmp_path / "below.toml").write_text('base = "b"\ndescription = "d"\n[data]\nsources = { a = 1 }\n[optimiser]\nsteps = 3\n')
    (tmp_path / "above.toml").write_text('extends = "below.toml"\n')
    assert Recipe.read(tmp_path / "below.toml").description == "d"
    assert not Recipe.read(tmp_path / "above.toml").description


def test_extends_merges_key_by_key(tmp_path: Path) -> None:
    (tmp_path / "below.toml").write_text(
        'base = "b"\n[data]\nsources = { ntrex = 1, tatoeba = 2 }\n[optimiser]\nsteps = 3\nweight_decay = 0.5\n'
    )
    (tmp_path / "above.toml").write_text('extends = "below.toml"\n[data]\nsources = { ntrex = 1 }\n[optimiser]\nsteps = 4\n')
    recipe = Recipe.read(tmp_path / "above.toml", {"seed": 9})
    assert (recipe.name, recipe.seed, recipe.data.sources) == ("above", 9, {"ntrex": 1})
    assert (recipe.optimiser.steps, recipe.optimiser.weight_decay) == (4, 0.5)


def test_circular_extends_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"\n')
    (tmp_path / "b.toml").write_text('extends = "a.toml"\n')
    with pytest.raises(HybridBenchError, match="is circular"):
        Recipe.read(tmp_path / "a.toml")
    with pytest.raises(HybridBenchError, match="there is no recipe"):
        Recipe.read(tmp_path / "c.toml")


def test_change_below_a_value_is_an_error() -> None:
    with pytest.raises(HybridBenchError, match=r"base\.x: base is not a table"):
        Recipe.read(RECIPES / "hybrid-me5-small.toml", {"base.x": 1})


def test_changes_are_parsed_as_toml_or_text() -> None:
    assert parse_changes(["optimiser.steps=5", "batches.strategy=mono", 'data.languages=["de", "en"]']) == {
        "optimiser.steps": 5,
        "batches.strategy": "mono",
        "data.languages": ["de", "en"],
    }
    with pytest.raises(HybridBenchError, match="has no value"):
        parse_changes(["optimiser.steps"])


def test_every_setting_of_the_paper_has_a_key() -> None:
    paper = {"batches.strategy", "batches.alpha", "batches.size", "optimiser.learning_rate", "optimiser.weight_decay"}
    paper |= {"loss.temperature", "texts.query_prefix", "texts.passage_prefix", "data.languages", "dev.patience", "dev.metric"}
    assert paper <= {*Recipe.known_keys()}
