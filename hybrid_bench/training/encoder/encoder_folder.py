"""What a training leaves: an encoder folder, and in it an account of how the encoder came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.load import CARD_FILE
from hybrid_bench.support import atomic, toml
from hybrid_bench.training.data.sources import called
from hybrid_bench.training.encoder import difference
from hybrid_bench.training.encoder.base import Base
from hybrid_bench.training.encoder.published import DATA_FILE, LOG_FILE, RECIPE_FILE, drawn, write_hashes
from hybrid_bench.training.recipe import Recipe


def write(folder: Path, recipe: Recipe, base: Base, account: dict[str, Any], log: bytes) -> None:
    """Make an encoder of the difference that lies in a folder. The card comes last: with it the folder is an encoder.

    Args:
        folder: with the difference; gets the weights, the tokenizer, the card, and what follows.
        recipe: with every choice.
        base: what the difference is added to.
        account: of the training data.
        log: of the training, JSON lines.
    """
    files = base.add(folder / difference.FILE, folder)
    atomic.write(folder / RECIPE_FILE, recipe.to_toml().encode())
    atomic.write(folder / DATA_FILE, (json.dumps(account, indent=1, ensure_ascii=False) + "\n").encode())
    atomic.write(folder / LOG_FILE, log)
    # A code-switched text has words of all sources.
    read = set(recipe.data.shares) if recipe.strategy.switched else {source for source, _ in drawn(log.decode())}
    card = toml.dumps(_card(recipe, base.card, account, read)).encode()
    write_hashes(folder, files, {CARD_FILE: card})
    atomic.write(folder / CARD_FILE, card)


def _card(recipe: Recipe, base: EncoderCard, account: dict[str, Any], read: set[str]) -> dict[str, Any]:
    fields = base.model_dump(mode="json", exclude_defaults=True)
    made = f"{base.name} trained with the strategy {recipe.strategy}{_averaged(recipe)}"
    fields |= {
        "name": recipe.name,
        "description": _line(f"{made}; {recipe.description}" if recipe.description else made),
        "backend": "transformers",
        "model": ".",
        "base": base.name,
        "licence": _stated_licences(account, base.licence, read),
        "training_data": _stated_data(recipe, account, base.training_data, read),
    }
    return {key: value for key, value in fields.items() if key not in {"revision", "url", "citation"}}


def _stated_data(recipe: Recipe, account: dict[str, Any], of_base: str, read: set[str]) -> str:
    """What a reader of scores has to know of the training data, in a card's 500 characters. Not all sources give all kinds."""
    sources = ", ".join(source for source in recipe.data.shares if source in read)
    suites = ", ".join(recipe.data.clean_of)
    text = f"{sources}, {f'without any question, passage or paragraph of {suites}' if suites else 'kept apart from no suite'}"
    shared = {suite: len(titles) for suite, titles in account["filters"]["articles"].items() if titles}
    if shared:
        text += "; articles shared by title: " + ", ".join(f"{count} with {suite}" for suite, count in sorted(shared.items()))
    if of_base:
        text += f"; its base: {of_base}"
    return _line(text)


def _stated_licences(account: dict[str, Any], of_base: str, read: set[str]) -> str:
    """The licence of the base, and those of all that was trained on: what they allow together is for the reader to find."""
    stated = {
        file.get("licence") or source.get("licence") or "not stated"
        for name, source in account["sources"].items()
        if called(name) in read
        for file in source.get("files") or [{}]
    }
    text = f"base: {of_base or 'not stated'}; trained on: {' | '.join(sorted(stated))}"
    return _line(text)


def _line(text: str) -> str:
    """As much of a text as a card's field holds."""
    return text if len(text) <= 500 else f"{text[:499]}…"


def _averaged(recipe: Recipe) -> str:
    trainings = recipe.averaging.trainings
    if trainings == 1:
        return ""
    return f"; the mean of the weights of {trainings} trainings, seeds {recipe.seed} to {recipe.seed + trainings - 1}"
