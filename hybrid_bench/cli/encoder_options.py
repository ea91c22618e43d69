"""Options that the resolver of an encoder's name declares, in the commands that take an encoder."""

from __future__ import annotations

import inspect
from typing import Any

import typer
from typer.core import TyperCommand

from hybrid_bench.encoders.resolvers import EncoderResolver, resolver_of

_OPTIONS = "hybrid_bench.encoder_options"


class EncoderCommand(TyperCommand):
    """A command that has the options of the resolvers whose prefixes its arguments begin with, besides its own.

    ``hybrid-bench evaluate api:openai/text-embedding-3-small --help`` lists them. The command gets them by :func:`declared`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Parse with the options of the resolvers, and keep their values apart from those of the command."""
        values = (word.rpartition("=")[2] for word in args)
        resolvers = {found.load: found for found in map(resolver_of, values) if found}.values()
        more = {param.name: param for resolver in resolvers for param in params_of(resolver)}
        for param in self.params:
            more.pop(param.name, None)
        ctx.meta[_OPTIONS] = {}
        own, self.params = self.params, [*self.params, *more.values()]
        try:
            rest = super().parse_args(ctx, args)
        finally:
            self.params = own
        ctx.meta[_OPTIONS] = {name: ctx.params.pop(name) for name in more if name in ctx.params}
        return rest


def declared(context: typer.Context) -> dict[str, Any]:
    """The options that a resolver declares and that are given."""
    return {name: value for name, value in context.meta.get(_OPTIONS, {}).items() if value is not None}


def params_of(resolver: EncoderResolver) -> list[Any]:
    """The options that a resolver declares, as a typer command has them."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(resolver.load)
    defaults = inspect.signature(resolver.load).parameters
    params = typer.main.get_command(app).params
    return [one for one in params if one.name in defaults and defaults[one.name].kind == inspect.Parameter.KEYWORD_ONLY]
