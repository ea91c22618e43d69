"""The help of every command explains it, with an example that parses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

import hybrid_bench
from hybrid_bench.cli.main import app


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))


COMMANDS = dict(commands(typer.main.get_command(app)))
EVERY = pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "hybrid-bench")


def example(words: tuple[str, ...]) -> str:
    command = COMMANDS[words]
    found = re.search(r"Example: (hybrid-bench .+)", " ".join(f"{command.help} {command.epilog or ''}".split()))
    assert found, f"the help of {' '.join(words)!r} has no example"
    return found[1]


def test_the_commands_are_those_that_the_documentation_names() -> None:
    assert {" ".join(words) for words in COMMANDS} >= {
        "evaluate", "compare", "encoders", "suites", "doctor", "datasets export", "datasets list", "results show",
        "results migrate", "search", "fuse", "encode", "reproduce",
    }  # fmt: skip


@EVERY
def test_help_shows_what_a_command_does_and_an_example(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert shown.exit_code == 0
    text = " ".join(shown.output.split())
    assert COMMANDS[words].help.split(".")[0].split()[0] in text
    assert "Example: hybrid-bench " in text


@EVERY
def test_the_example_is_of_the_command_and_parses(words: tuple[str, ...]) -> None:
    rest = shlex.split(example(words))[1:]
    assert tuple(rest[: len(words)]) == words
    command = COMMANDS[()]
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    context = command.make_context(command.name, rest)
    assert not context.args


@EVERY
def test_every_option_and_argument_is_explained(words: tuple[str, ...]) -> None:
    explained = [parameter for parameter in COMMANDS[words].params if parameter.name not in ("help", "install_completion")]
    assert [parameter.name for parameter in explained if not (getattr(parameter, "help", "") or "").strip()] == []


def test_the_version_is_that_of_the_package() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert (shown.exit_code, shown.output) == (0, f"hybrid-bench {hybrid_bench.__version__}\n")
