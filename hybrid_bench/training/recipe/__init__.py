"""Recipes: TOML files that state every choice of a training."""

from hybrid_bench.training.recipe.reading import parse_changes
from hybrid_bench.training.recipe.recipe import Recipe
from hybrid_bench.training.recipe.sections import MOST_TRAININGS, Averaging, BatchChoices, Data, Negatives, Optimiser, Weights

__all__ = [
    "MOST_TRAININGS",
    "Averaging",
    "BatchChoices",
    "Data",
    "Negatives",
    "Optimiser",
    "Recipe",
    "Weights",
    "parse_changes",
]
