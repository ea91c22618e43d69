"""Writing the encoder folder of a finished training: weights, card, recipe, log and data manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.load import CARD_FILE
from hybrid_bench.support import atomic, toml
from hybrid_bench.training.data.sources import source_name
from hybrid_bench.training.encoder import difference
from hybrid_bench.training.encoder.base import Base
from hybrid_bench.training.encoder.published import DATA_FILE, LOG_FILE, RECIPE_FILE, batch_shares, write_hashes
from hybrid_bench.training.recipe import Recipe


def write(folder: Path, recipe: Recipe, base: Base, manifest: dict[str, Any], log: bytes) -> None:
    """Complete the folder of a trained difference to an encoder folder. The card is written last and marks it as complete.

    Args:
        folder: holds the difference; the other files are written into it.
        recipe: every choice.
        base: the base of the difference.
        manifest: of the training data.
        log: of the training, as JSON lines.
    """
    files = base.merge(folder / difference.FILE, folder)
    atomic.write(folder / RECIPE_FILE, recipe.to_toml().encode())
    atomic.write(folder / DATA_FILE, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
    atomic.write(folder / LOG_FILE, log)
    # The lexicon of code-switching is learned from all sources.
    used = set(recipe.data.shares) if recipe.strategy.switched else {source for source, _ in batch_shares(log.decode())}
    card = toml.dumps(_card(recipe, base.card, manifest, used)).encode()
    write_hashes(folder, files, {CARD_FILE: card})
    atomic.write(folder / CARD_FILE, card)


def _card(recipe: Recipe, base: EncoderCard, manifest: dict[str, Any], used: set[str]) -> dict[str, Any]:
    fields = base.model_dump(mode="json", exclude_defaults=True)
    made = f"{base.name} trained with the strategy {recipe.strategy}{_averaged(recipe)}"
    fields |= {
        "name": recipe.name,
        "description": _truncated(f"{made}; {recipe.description}" if recipe.description else made),
        "backend": "transformers",
        "model": ".",
        "base": base.name,
        "licence": _stated_licences(manifest, base.licence, used),
        "training_data": _stated_data(recipe, manifest, base.training_data, used),
        "tuned_languages": _languages(recipe, manifest, used),
    }
    if base.languages:
        fields["languages"] = sorted({*base.languages, *fields["tuned_languages"]})
    return {key: value for key, value in fields.items() if key not in {"revision", "url", "citation"}}


def _stated_data(recipe: Recipe, manifest: dict[str, Any], of_base: str, used: set[str]) -> str:
    """A summary of the training data for the card. Sources that no batch was drawn from are not listed."""
    sources = ", ".join(source for source in recipe.data.shares if source in used)
    suites = ", ".join(manifest["suites"])
    text = f"{sources}, {f'without any question, passage or paragraph of {suites}' if suites else 'kept apart from no suite'}"
    shared = {suite: len(titles) for suite, titles in manifest["filters"]["articles"].items() if titles}
    if shared:
        text += "; articles shared by title: " + ", ".join(f"{count} with {suite}" for suite, count in sorted(shared.items()))
    if of_base:
        text += f"; its base: {of_base}"
    return _truncated(text)


def _languages(recipe: Recipe, manifest: dict[str, Any], used: set[str]) -> list[str]:
    """The languages of the passages that batches were drawn from."""
    rows = [entry for name, entry in manifest["rows"].items() if source_name(name) in used]
    found = {language for entry in rows for language, count in entry["passages"].items() if count}
    return sorted(found & {*recipe.data.languages} if recipe.data.languages else found)


def _stated_licences(manifest: dict[str, Any], of_base: str, used: set[str]) -> str:
    """The licences of the base and of all training data. What they allow in combination is not decided here."""
    stated = {
        file.get("licence") or source.get("licence") or "not stated"
        for name, source in manifest["sources"].items()
        if source_name(name) in used
        for file in source.get("files") or [{}]
    }
    text = f"base: {of_base or 'not stated'}; trained on: {' | '.join(sorted(stated))}"
    return _truncated(text)


def _truncated(text: str) -> str:
    """Truncate a text to the 500 characters of a card's field."""
    return text if len(text) <= 500 else f"{text[:499]}…"


def _averaged(recipe: Recipe) -> str:
    trainings = recipe.averaging.trainings
    if trainings == 1:
        return ""
    return f"; the mean of the weights of {trainings} trainings, seeds {recipe.seed} to {recipe.seed + trainings - 1}"
