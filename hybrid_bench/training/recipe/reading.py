"""Reading recipe files: inheritance between recipes, and changes from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import toml
from hybrid_bench.training.recipe.keys import EXTENDS

#: The longest chain of recipes that extend each other; a longer chain is treated as circular.
_LONGEST_CHAIN = 8


def read_fields(path: Path, depth: int = 0) -> dict[str, Any]:
    """The fields of a recipe file, merged with those of the recipe that it extends.

    Raises:
        HybridBenchError: if a file does not exist, or recipes extend each other in a circle.
    """
    if not path.is_file():
        raise HybridBenchError(f"there is no recipe {path}", "Give the path of a TOML file, e.g. recipes/hybrid-me5-small.toml.")
    fields = toml.load(path)
    parent = fields.pop(EXTENDS, None)
    if parent is None:
        return fields
    if depth == _LONGEST_CHAIN or not isinstance(parent, str):
        raise HybridBenchError(
            f"{path}: {EXTENDS} = {parent!r} is circular or not a file name", "Give the path of a recipe, relative to this one."
        )
    inherited = read_fields(path.parent / parent, depth + 1)
    for own in ("name", "description"):
        inherited.pop(own, None)
    return _merged(inherited, fields)


def _merged(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """Merge tables key by key; ``sources`` is replaced as a whole, because its shares are relative to each other."""
    merged = dict(parent)
    for key, value in child.items():
        old = merged.get(key)
        if key != "sources" and isinstance(value, dict) and isinstance(old, dict):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged


def set_field(fields: dict[str, Any], key: str, value: Any, known: Sequence[str]) -> None:
    """Set a dotted key; ``known`` keys are listed in the error message.

    Raises:
        HybridBenchError: if a parent of the key is not a table.
    """
    *parents, last = key.split(".")
    for parent in parents:
        fields = fields.setdefault(parent, {})
        if not isinstance(fields, dict):
            raise HybridBenchError(f"{key}: {parent} is not a table", f"Known keys: {', '.join(known)}.")
    fields[last] = value


def parse_changes(changes: Sequence[str]) -> dict[str, Any]:
    """Parse ``key=value`` strings such as ``optimiser.steps=100``; a value that is not valid TOML is a string.

    Raises:
        HybridBenchError: if a string has no ``=``.
    """
    found = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise HybridBenchError(f"{change!r} has no value", "Write key=value, e.g. optimiser.steps=100.")
        try:
            found[key.strip()] = toml.loads(f"value = {text}", change)["value"]
        except HybridBenchError:
            found[key.strip()] = text
    return found
