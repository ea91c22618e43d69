"""Commands that plugins add, imported only when they are run."""

from __future__ import annotations

import functools
import importlib.metadata
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from hybrid_bench.registry import Registry

#: An entry point names a ``typer.Typer``, or a function that ``typer.Typer().command()`` takes.
REGISTRY: Registry[Any] = Registry("hybrid_bench.commands", "command")


class PluginGroup(TyperGroup):
    """A group whose commands are those of the core and those of the entry points ``hybrid_bench.commands``.

    Listing them imports no plugin; running one imports that one. A name of the core cannot be taken.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """The core's commands, then the plugins'."""
        core = super().list_commands(ctx)
        return core + [name for name in REGISTRY if name not in core]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command of the core, or a plugin's that knows no more than its name before it is run."""
        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name not in REGISTRY:
            return found
        return _Lazy(cmd_name)


class _Lazy(TyperCommand):
    """Stands for a plugin's command until it is run."""

    def __init__(self, name: str) -> None:
        super().__init__(name, add_help_option=False)

    def get_short_help_str(self, limit: int = 45) -> str:
        """What the plugin's distribution says of itself."""
        entry = next(entry for entry in REGISTRY.entries() if entry.name == self.name)
        try:
            summary = importlib.metadata.metadata(entry.distribution)["Summary"] or ""
        except importlib.metadata.PackageNotFoundError:
            summary = ""
        return f"{summary}  [{entry.distribution}]".strip()

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Import the command and go on with it."""
        return self._command.make_context(info_name, args, parent, **extra)

    @functools.cached_property
    def _command(self) -> Any:
        loaded = REGISTRY.get(str(self.name))
        if isinstance(loaded, typer.Typer):
            return typer.main.get_command(loaded)
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(self.name)(loaded)
        return typer.main.get_command(app)
