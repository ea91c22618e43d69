"""Commands of plugins, imported only when they are run.

Entry-point group ``hybrid_bench.commands``: the name of an entry is the command; the object is a ``typer.Typer``, or a function
for ``typer.Typer().command()``. A plugin cannot replace a command of the core. In a plugin's ``pyproject.toml``::

    [project.entry-points."hybrid_bench.commands"]
    my-command = "my_plugin.commands:app"
"""

from __future__ import annotations

import functools
import importlib.metadata
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from hybrid_bench.registry import Registry

REGISTRY: Registry[Any] = Registry("hybrid_bench.commands", "command")


class PluginGroup(TyperGroup):
    """Command group with the commands of the core and of plugins.

    Listing commands imports no plugin; running a command imports only its plugin.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the core's commands, then of the plugins' commands."""
        core = super().list_commands(ctx)
        return core + [name for name in REGISTRY if name not in core]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command of the core, or a placeholder for a plugin's command."""
        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name not in REGISTRY:
            return found
        return _Lazy(cmd_name)


class _Lazy(TyperCommand):
    """Placeholder for a plugin's command, which is imported when it is run."""

    def __init__(self, name: str) -> None:
        super().__init__(name, add_help_option=False)

    def get_short_help_str(self, limit: int = 45) -> str:
        """The summary of the plugin's distribution."""
        entry = next(entry for entry in REGISTRY.entries() if entry.name == self.name)
        try:
            summary = importlib.metadata.metadata(entry.distribution)["Summary"] or ""
        except importlib.metadata.PackageNotFoundError:
            summary = ""
        return f"{summary}  [{entry.distribution}]".strip()

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Import the command and let it parse its arguments."""
        return self._command.make_context(info_name, args, parent, **extra)

    @functools.cached_property
    def _command(self) -> Any:
        loaded = REGISTRY.get(str(self.name))
        if isinstance(loaded, typer.Typer):
            return typer.main.get_command(loaded)
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(self.name)(loaded)
        return typer.main.get_command(app)
