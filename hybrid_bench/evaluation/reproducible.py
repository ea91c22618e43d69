"""Commands and options that ``hybrid-bench reproduce`` accepts from a result.

A result is data, possibly from a third party. Only listed commands are run, without options that load code or name a folder of
results, vectors, runs or indexes.

Entry-point group ``hybrid_bench.reproducible``: a plugin lists its commands whose results may be reproduced. The name of an
entry is the command; the object is a tuple of the options that a result may set. In a plugin's ``pyproject.toml``::

    [project.entry-points."hybrid_bench.reproducible"]
    my-command = "my_plugin.commands:REPRODUCIBLE_OPTIONS"

with ``REPRODUCIBLE_OPTIONS = ("--suite", "--depth")``. Every other option is refused, and so are those of :data:`REFUSED`,
even if the plugin lists them. The plugin is imported only when a result names its command.
"""

from __future__ import annotations

import shlex

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.registry import Registry

#: Commands of the core whose results may be reproduced, and the options that a result may set; None: all but those of REFUSED.
COMMANDS: dict[str, tuple[str, ...] | None] = {
    "evaluate": None,
    "fuse": None,
    "search": (
        "--encoder", "--suite", "--languages", "--index", "--depth", "--measures", "--dtype", "--device", "--similarity",
        "--storage", "--passage-text", "--name", "--drop-own", "--keep-own",
    ),
}  # fmt: skip
#: Options that a result may never set. (``--index`` of ``search`` is a kind of index; elsewhere it is a folder.)
REFUSED = frozenset({"--trust-remote-code", "--out", "--store", "--index", "--runs", "--runs-out", "--debug"})

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
    allowed = COMMANDS[name] if name in COMMANDS else REGISTRY.get(name)
    refused = REFUSED - {"--index"} if name == "search" else REFUSED
    for word in words[1:]:
        option = word.partition("=")[0]
        if option in refused or (allowed is not None and word.startswith("-") and option not in allowed):
            raise HybridBenchError(
                f"the command of the result has the option {word}, which is not accepted from a file",
                "Run the command by hand if you trust it.",
            )
    paired = [word for word in words[1:] if word not in ("--drop-own", "--keep-own")]
    if name == "search" and not all(word.startswith("--") for word in paired[::2]):
        raise HybridBenchError(
            f"the command of the result names a store, which is not accepted from a file: {command!r}",
            "Run the command by hand if you trust it.",
        )
    return words
