"""Packages that only some of this project needs: its extras."""

from __future__ import annotations

from importlib.util import find_spec

from hybrid_bench.errors import HybridBenchError


def need(extra: str, user: str, *packages: str) -> None:
    """See that packages are installed, without importing them.

    Args:
        extra: of this project, that has them.
        user: what needs them, for the error.
        packages: as they are imported.

    Raises:
        HybridBenchError: that says how to install what is missing.
    """
    for package in packages:
        if find_spec(package) is None:
            raise HybridBenchError(
                f"{user} needs the package {package!r}, which is not installed",
                f'Run: python -m pip install "hybrid-bench[{extra}]"',
            )
