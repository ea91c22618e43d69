"""Versions of the software that a score depends on.

Entry-point group ``hybrid_bench.versions``: the name of an entry is a distribution whose version belongs in every result while
the plugin is installed; the value is the plugin's package. Nothing is imported. In a plugin's ``pyproject.toml``::

    [project.entry-points."hybrid_bench.versions"]
    my-plugin = "my_plugin"
    the-library-that-encodes = "my_plugin"
"""

from __future__ import annotations

import functools
import importlib.metadata
import platform

GROUP = "hybrid_bench.versions"

_PACKAGES = (
    "hybrid-bench", "numpy", "numba", "ir-datasets", "ir-measures", "torch", "transformers", "tokenizers",
    "sentence-transformers",
)  # fmt: skip


@functools.cache
def hybrid_bench() -> str:
    """The version of this package; ``0`` if it is not installed."""
    return _version("hybrid-bench") or "0"


def of_everything() -> dict[str, str]:
    """Versions of Python and the installed packages, by name, and the machine type.

    Packages: those of the core in a fixed order, then those that plugins list (see the module's docstring), sorted by name.
    """
    listed = {point.name for point in importlib.metadata.entry_points(group=GROUP)}
    packages = [*_PACKAGES, *sorted(listed.difference(_PACKAGES))]
    found = {package: version for package in packages if (version := _version(package))}
    return {"python": platform.python_version(), "machine": platform.machine()} | found


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
