"""The documentation is whole: options of commands, docstrings of public names, fields of files, measures, counts of suites."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import typer
from extensions import commands, file_formats, suite_counts

import hybrid_bench
import hybrid_bench.plugin
from hybrid_bench import load_suite
from hybrid_bench.cli.main import app
from hybrid_bench.measures import from_ranks
from hybrid_bench.measures.bias_scores import bias_measures
from hybrid_bench.training.recipe.recipe import Recipe
from hybrid_bench.training.recipe.sections import Section
from tests.conftest import ROOT

PAGES = commands.pages()
#: Tables of a recipe: the page has a part for each.
SECTIONS = {
    f"`{name}`"
    for name, of in Recipe.model_fields.items()
    if inspect.isclass(of.annotation) and issubclass(of.annotation, Section)
}


def every_command(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """The words of each command, with the command."""
    inner = getattr(command, "commands", {})
    own = [(path, command)] if path and (not inner or command.invoke_without_command) else []
    return own + [found for name, one in inner.items() for found in every_command(one, (*path, name))]


@pytest.mark.parametrize(
    ("words", "command"),
    every_command(typer.main.get_command(app)),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_reference_has_what_help_prints(words: tuple[str, ...], command: Any) -> None:
    """The oracle is the text of ``--help``, which typer makes."""
    name = " ".join(("hybrid-bench", *words))
    text = command.get_help(typer.Context(command, info_name=name)).partition("Options:")[2]
    page = PAGES[f"commands/{words[0]}"]
    section = re.split(rf"^#+ {name}$", page, flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", section, flags=re.MULTILINE)[0]
    stated = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)) - {"--help"}
    assert stated <= set(re.findall(r"`(--[\w-]+)`", section))


def functions(package: ModuleType) -> list[tuple[str, Callable[..., Any], bool]]:
    """The functions that a package exports, and the methods of its classes: name, object, and whether it is a method."""
    found: list[tuple[str, Callable[..., Any], bool]] = []
    for name in package.__all__:
        obj = getattr(package, name)
        if inspect.isclass(obj):
            members = ((of, getattr(member, "__func__", member)) for of, member in vars(obj).items() if not of.startswith("_"))
            found += [
                (f"{name}.{of}", member, True)
                for of, member in members
                if inspect.isfunction(member) and "<" not in member.__name__
            ]
        elif inspect.isfunction(obj):
            found.append((name, obj, False))
    return found


def raises(function: Callable[..., Any]) -> bool:
    """Whether the function itself raises an exception that it makes."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) for node in ast.walk(tree))


@pytest.mark.parametrize("package", [hybrid_bench, hybrid_bench.plugin], ids=lambda package: package.__name__)
def test_docstrings_state_arguments_what_is_returned_and_errors(package: ModuleType) -> None:
    """Methods may say so in a sentence; a function of a package has it under its headings."""
    missing = []
    for name, function, is_method in functions(package):
        text = inspect.getdoc(function) or ""
        if not text:
            missing.append(f"{name}: no docstring")
        if raises(function) and "raise" not in text.lower():
            missing.append(f"{name}: errors")
        if is_method:
            continue
        signature = inspect.signature(function)
        described = re.findall(r"^    (\w+):", text.partition("Args:\n")[2].partition("\n\n")[0] + "\n" + text, re.MULTILINE)
        missing += [f"{name}: {parameter}" for parameter in signature.parameters if parameter not in described]
        if signature.return_annotation not in ("None", None) and not re.search("^(Returns|Yields):$", text, re.MULTILINE):
            missing.append(f"{name}: what is returned")
    assert not missing


def test_every_field_of_a_file_is_described() -> None:
    pages = file_formats.pages()
    for name in ("result", "recipe", "encoder-card", "submission", "board"):
        rows = re.findall(r"^\| (`\w+`) \| .* \| (.*) \|$", pages[f"files/{name}"], re.MULTILINE)
        assert [field for field, meaning in rows if not meaning.strip() and field not in SECTIONS] == [], name


def test_every_measure_has_a_formula() -> None:
    page = (ROOT / "docs" / "reference" / "measures.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: part for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:]}
    names = {name.partition("@")[0] for name in from_ranks._FORMULAS}
    names |= {name for name in bias_measures() if "(" not in name and "Domain" not in name}
    assert names <= sections.keys()
    assert all("$$" in part for part in sections.values())


@pytest.mark.parametrize("name", ["mini", "xquad-r", "mlqa-r"])
def test_counts_are_those_of_the_suites(name: str) -> None:
    assert suite_counts.read()[name] == suite_counts.count(load_suite(name))
