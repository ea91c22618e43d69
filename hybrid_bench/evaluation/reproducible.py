"""Commands and options that ``hybrid-bench reproduce`` accepts from a result.

A result is data, possibly from a third party. Only listed commands are run, with listed options: none that loads code, connects
to a cluster, or names a folder of results, vectors, runs or indexes. What reaches outside of this machine, such as a model to
download, is run only when the user agrees.

Entry-point group ``hybrid_bench.reproducible``: a plugin lists its commands whose results may be reproduced. The name of an
entry is the command; the object is a tuple of the options that a result may set. In a plugin's ``pyproject.toml``::

    [project.entry-points."hybrid_bench.reproducible"]
    my-command = "my_plugin.commands:REPRODUCIBLE_OPTIONS"

with ``REPRODUCIBLE_OPTIONS = ("--suite", "--depth")``. Every other option is refused, and so are those of :data:`REFUSED`,
even if the plugin lists them. The plugin is imported only when a result names its command.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from hybrid_bench.encoders.load import REGISTRY as ENCODERS
from hybrid_bench.encoders.resolvers import resolver_of
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.registry import Registry

#: Commands of the core whose results may be reproduced, and the options that a result may set.
COMMANDS: dict[str, tuple[str, ...]] = {
    "evaluate": (
        "--suite", "--languages", "--passage-text", "--measures", "--dtype", "--device", "--pooling", "--query-prefix",
        "--passage-prefix", "--max-length", "--similarity", "--revision", "--storage", "--run-depth", "--name", "--backend",
        "--drop-own", "--keep-own", "--strict", "--run", "--vectors", "--card", "--available", "--full-pools",
        "--limit", "--batch-size", "--features", "--names",
    ),
    "fuse": ("--method", "--normalisation", "--weights", "--rrf-k", "--depth", "--suite", "--name", "--measures"),
    "search": (
        "--encoder", "--suite", "--languages", "--index", "--depth", "--measures", "--dtype", "--device", "--similarity",
        "--storage", "--passage-text", "--name", "--drop-own", "--keep-own", "--strict",
    ),
}  # fmt: skip
#: Options that a result may never set. (``--index`` of ``search`` is a kind of index; elsewhere it is a folder.)
REFUSED = frozenset({
    "--trust-remote-code", "--executor", "--workers", "--address", "--out", "--store", "--index", "--runs", "--runs-out",
    "--debug",
})  # fmt: skip

#: Options of ``search`` without a value.
_FLAGS = frozenset({"--drop-own", "--keep-own", "--strict"})

#: Options whose values are names or files of this machine, never a model of a hub.
_LOCAL = ("--suite", "--name", "--run", "--vectors", "--card", "--features", "--names")

#: Control characters but newline and tab, which the prefix of a query may have.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

#: Command to the options that a result may set, from plugins.
REGISTRY: Registry[tuple[str, ...]] = Registry("hybrid_bench.reproducible", "reproducible command", tuple)


def parse(command: str) -> list[str]:
    """Split the command line of a result and check that it may be run.

    Args:
        command: as the result states it, beginning with ``hybrid-bench``.

    Returns:
        The words after ``hybrid-bench``.

    Raises:
        HybridBenchError: if the command is not listed, or has an option that a result may not set.
    """
    if _CONTROL.search(command):
        raise HybridBenchError(f"the command of the result has control characters: {command!r}", "Do not trust this file.")
    try:
        program, *words = shlex.split(command)
    except ValueError:
        program, words = "", []
    name = words[0] if words else ""
    if program != "hybrid-bench" or (name not in COMMANDS and name not in REGISTRY):
        known = dict.fromkeys([*COMMANDS, *REGISTRY])
        raise HybridBenchError(
            f"the command of the result is not reproducible: {command!r}",
            f"Reproducible commands: {', '.join(known)}. If a plugin adds this one, install the plugin.",
        )
    allowed = (COMMANDS[name] if name in COMMANDS else REGISTRY.get(name)) + _of_resolvers(words)
    refused = REFUSED - {"--index"} if name == "search" else REFUSED
    for word in words[1:]:
        option = word.partition("=")[0]
        if option in refused or (word.startswith("-") and option not in allowed):
            raise HybridBenchError(
                f"the command of the result has the option {word}, which is not accepted from a file",
                "Run the command by hand if you trust it.",
            )
    if name == "search" and _has_argument(words[1:]):
        raise HybridBenchError(
            f"the command of the result names a store, which is not accepted from a file: {command!r}",
            "Run the command by hand if you trust it.",
        )
    return words


def _of_resolvers(words: list[str]) -> tuple[str, ...]:
    """The options that the resolvers of encoders' names in a command let a result state."""
    found = filter(None, (resolver_of(word.rpartition("=")[2]) for word in words))
    return tuple(f"--{name.replace('_', '-')}" for resolver in found for name in resolver.stated)


def _has_argument(words: list[str]) -> bool:
    """Whether there is a word that is neither an option nor the value of one."""
    rest = iter(words)
    for word in rest:
        if not word.startswith("--"):
            return True
        if "=" not in word and word not in _FLAGS:
            next(rest, None)
    return False


def outside(words: list[str]) -> list[str]:
    """The words of a command that reach outside of this machine: addresses, network folders, and models of a hub or a resolver.

    Args:
        words: as :func:`parse` returns them.
    """
    found, option = [], ""
    for word in words[1:]:
        option, value = word.split("=", 1) if word.startswith("--") and "=" in word else (option, word)
        network = "://" in value or value.startswith(("//", "\\\\"))
        model = words[0] != "fuse" and option not in _LOCAL and re.fullmatch(r"[\w.-]+/[\w.-]+", value)
        if network or resolver_of(value) or (model and value not in ENCODERS and not Path(value).exists()):
            found.append(value)
        option = word if word.startswith("--") else ""
    return found
