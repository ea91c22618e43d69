"""Candidates are changes of the development recipe: none is trained on the articles that it is compared on."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_bench.training.recipe import Recipe
from tests.conftest import ROOT

CANDIDATES = sorted((ROOT / "recipes" / "candidates").glob("*.toml"))


@pytest.mark.parametrize("path", CANDIDATES, ids=lambda path: path.stem)
def test_candidates_hold_out_the_suite_that_they_are_compared_on(path: Path) -> None:
    candidate, development = Recipe.read(path), Recipe.read(ROOT / "recipes" / "development.toml")
    assert candidate.data.held_out_articles == development.data.held_out_articles == ("squad-dev-r",)
    assert candidate.hash != development.hash
    assert candidate.optimiser == development.optimiser
    assert path.stem in (ROOT / "docs" / "studies" / "choices.md").read_text()
