"""The dotted names of a recipe's keys, and suggestions for misspelt ones."""

from __future__ import annotations

import difflib

from hybrid_bench.training.recipe.sections import Section

#: The key that names the parent recipe.
EXTENDS = "extends"


def known_keys(recipe: type[Section]) -> list[str]:
    """The dotted name of every key that a recipe may have."""
    keys = []
    for name, field in recipe.model_fields.items():
        kind = field.annotation
        inner = kind.model_fields if isinstance(kind, type) and issubclass(kind, Section) else None
        keys += [f"{name}.{key}" for key in inner] if inner else [name]
    return [EXTENDS, *keys]


def similar_keys(recipe: type[Section], key: str) -> list[str]:
    """The known key, or section, most similar to an unknown one, or to its last part; empty if none is similar."""
    full = {name: name for name in known_keys(recipe)}
    last = {name.rpartition(".")[2]: name for name in reversed(full)}
    sections = {name: name for name in recipe.model_fields}
    for asked, names in ((key, full), (key.rpartition(".")[2], last), (key, sections)):
        if matches := difflib.get_close_matches(asked, names, n=1):
            return [names[matches[0]]]
    return []
