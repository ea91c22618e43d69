"""Commands of pages, parsed without running them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import typer

PROGRAM = "hybrid-bench"


def command_lines(shell: str) -> Iterator[tuple[str, ...]]:
    """The words of every ``hybrid-bench`` command of a shell script, without the program's name.

    Args:
        shell: lines; one that ends in a backslash goes on in the next one; lines with ``...`` stand for several commands.
    """
    for line in shell.replace("\\\n", " ").splitlines():
        if line.strip().startswith(f"{PROGRAM} ") and "..." not in line:
            yield tuple(shlex.split(line.strip(), comments=True)[1:])


def parse(words: tuple[str, ...]) -> None:
    """Parse the words of a command as the program does, without running it.

    Raises:
        click.ClickException: if the command, or one of its options, does not exist, or an argument is missing.
    """
    from hybrid_bench.cli.main import app

    command: Any = typer.main.get_command(app)
    context, name, rest = None, PROGRAM, [word for word in words if word != "--help"]
    while hasattr(command, "get_command"):
        context = command.make_context(name, rest, parent=context)
        left = [*context._protected_args, *context.args]
        if not left and command.invoke_without_command:
            return
        name, command, rest = command.resolve_command(context, left)
    command.make_context(name, rest, parent=context)
