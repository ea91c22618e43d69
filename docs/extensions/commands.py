"""Reference of the command line: a page for each command, with all arguments and options."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

from extensions.markdown import code, table

_FOLDER = "commands"
#: A context to ask an option for what its value is called.
_COMMAND: Any = typer.main.get_command(typer.Typer(callback=lambda: None))


def pages() -> dict[str, str]:
    """Path of each page, without its suffix, to its Markdown."""
    from hybrid_bench.cli.main import app

    group: Any = typer.main.get_command(app)
    context = group.make_context("hybrid-bench", ["doctor"])
    commands = {name: _loaded(group.get_command(context, name)) for name in group.list_commands(context)}
    found = {f"{_FOLDER}/{name}": _page(f"hybrid-bench {name}", command) for name, command in sorted(commands.items())}
    rows = [(f"[`{name}`]({name}.md)", _summary(command)) for name, command in sorted(commands.items())]
    contents = "\n".join(sorted(commands))
    found[f"{_FOLDER}/index"] = (
        "# Commands\n\nMade from the code of the program; `hybrid-bench COMMAND --help` prints the same.\n\n"
        f"{table(('command', 'what it does'), rows)}\n"
        f"## Options of every command\n\n{_options(group)}\n"
        f"```{{toctree}}\n:hidden:\n\n{contents}\n```\n"
    )
    return found


def _loaded(command: Any) -> Any:
    """The command of a plugin in place of what stands for it until it is run."""
    return getattr(command, "_command", command)


def _page(name: str, command: Any) -> str:
    return "\n".join(_sections(name, command, 1))


def _sections(name: str, command: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} {name}\n"
    yield from _description(command)
    if hasattr(command, "commands"):
        if command.invoke_without_command:
            yield _options(command)
        for inner in sorted(command.commands):
            yield from _sections(f"{name} {inner}", command.commands[inner], level + 1)
        return
    yield f"```text\n{_usage(name, command)}\n```\n"
    if arguments := [one for one in command.params if one.param_type_name == "argument"]:
        rows = [(code(_metavar(one)), _text(one.help)) for one in arguments]
        yield table(("argument", "meaning"), rows)
    yield _options(command)
    yield from _of_prefixes(command)


def _description(command: Any) -> Iterator[str]:
    text = inspect.cleandoc(command.help or "")
    example = re.search(r"^Example: (.*)$", f"{text}\n{command.epilog or ''}", re.MULTILINE)
    yield re.sub(r"^Example: .*$", "", text, flags=re.MULTILINE).strip() + "\n"
    if example:
        yield f"```sh\n{example[1]}\n```\n"


def _summary(command: Any) -> str:
    return inspect.cleandoc(command.help or "").partition("\n\n")[0]


def _usage(name: str, command: Any) -> str:
    arguments = [_metavar(one) for one in command.params if one.param_type_name == "argument"]
    return " ".join([name, *(["[OPTIONS]"] if _shown(command) else []), *arguments])


def _metavar(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper()).removesuffix("...")
    name += "..." if argument.nargs == -1 else ""
    return name if argument.required else f"[{name}]"


def _shown(command: Any) -> list[Any]:
    return [one for one in command.params if one.param_type_name == "option" and not one.hidden]


def _options(command: Any) -> str:
    return _table(_shown(command))


def _table(options: list[Any]) -> str:
    rows = [(_names(one), _value(one), _text(one.help), _default(one)) for one in options]
    return table(("option", "value", "meaning", "default"), rows)


def _names(option: Any) -> str:
    return " ".join(map(code, [*option.opts, *option.secondary_opts]))


def _value(option: Any) -> str:
    if option.is_flag:
        return ""
    stated = option.get_help_record(typer.Context(_COMMAND))[0]
    kind = re.sub(r"^.*--[\w-]+|[<>]| range", "", stated).strip().lower()
    low, high = option.min, option.max
    limits = f"{low} to {high}" if None not in (low, high) else f"from {low}" if low is not None else f"up to {high}"
    return kind if low is high is None else f"{kind} {limits}"


def _default(option: Any) -> str:
    stated = re.search(r"\[default: (.*)\]", option.help or "")
    if stated:
        return stated[1]
    if option.required:
        return "required"
    if option.is_flag or option.default in (None, "") or callable(option.default):
        return ""
    return code(option.default)


def _text(text: str | None) -> str:
    return re.sub(r" ?\[default: .*\]", "", text or "").replace("<", "\\<")


def _of_prefixes(command: Any) -> Iterator[str]:
    """Options that names with a prefix add to a command that takes an encoder."""
    from hybrid_bench.cli.encoder_options import EncoderCommand, params_of
    from hybrid_bench.encoders.resolvers import REGISTRY

    if not isinstance(command, EncoderCommand):
        return
    own = {option.name for option in command.params}
    for prefix in REGISTRY:
        yield f"For encoders whose names begin with `{prefix}:` also:\n"
        yield _table([option for option in params_of(REGISTRY.get(prefix)) if option.name not in own])
