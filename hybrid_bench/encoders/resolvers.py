"""From a name with a prefix, such as ``api:openai/text-embedding-3-small``, to an encoder.

Entry-point group ``hybrid_bench.encoder_resolvers``: the name of an entry is the prefix, the object an :class:`EncoderResolver`.
It is imported when a name has its prefix. In a plugin's ``pyproject.toml``::

    [project.entry-points."hybrid_bench.encoder_resolvers"]
    my-prefix = "my_plugin:RESOLVER"
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybrid_bench.encoders.protocol import Encoder, EncoderFactory
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.registry import Registry


@dataclass(frozen=True)
class EncoderResolver:
    """What a prefix of encoders' names stands for.

    Attributes:
        load: returns an encoder; called with what follows the prefix, and with ``dtype``, ``device`` and those of its other
            parameters that are given. In commands that take an encoder they are options, declared as in a typer command:
            ``base_url: Annotated[str | None, typer.Option(help="...")] = None`` is ``--base-url``. Names of options that the
            commands have themselves, such as ``query_prefix``, stand for these.
        stated: names of the parameters that vectors depend on. A result states them, and ``reproduce`` accepts them from it.
    """

    load: EncoderFactory
    stated: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the options of :attr:`load`."""
        return tuple(name for name, of in inspect.signature(self.load).parameters.items() if of.kind == of.KEYWORD_ONLY)


#: Prefix to resolver.
REGISTRY: Registry[EncoderResolver] = Registry("hybrid_bench.encoder_resolvers", "prefix of encoders", EncoderResolver)


def resolver_of(name: str) -> EncoderResolver | None:
    """The resolver of an encoder's name; None if the name has no prefix that is registered."""
    prefix, colon, _ = name.partition(":")
    return REGISTRY.get(prefix) if colon and prefix in REGISTRY else None


def resolved(name: str, options: Mapping[str, Any]) -> Encoder | None:
    """Load an encoder whose name has a prefix; None if it has none that is registered.

    Raises:
        HybridBenchError: if the resolver does not have an option, or cannot load the encoder.
    """
    resolver = resolver_of(name)
    if resolver is None:
        return None
    prefix, _, rest = name.partition(":")
    if unknown := sorted(options.keys() - set(resolver.parameters)):
        raise HybridBenchError(
            f"encoders with the prefix {prefix}: have no option {', '.join(unknown)}",
            f"Their options: {', '.join(resolver.parameters)}.",
        )
    return resolver.load(rest, **options)


def stated_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Of the options for an encoder, given by name, those that a result states: all, unless a resolver says which."""
    resolver = resolver_of(name)
    return {option: value for option, value in options.items() if resolver is None or option in resolver.stated}
