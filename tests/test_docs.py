"""The documentation is whole: every option of every command is in the reference."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer
from extensions import commands

from hybrid_bench.cli.main import app

PAGES = commands.pages()


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
