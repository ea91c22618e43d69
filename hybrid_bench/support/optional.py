"""Checks for optional dependencies (extras)."""

from __future__ import annotations

from importlib.util import find_spec

from hybrid_bench.errors import HybridBenchError


def need(extra: str, user: str, *packages: str) -> None:
    """Check that packages are installed, without importing them.

    Args:
        extra: the extra of this project that installs them.
        user: what needs them, for the error message.
        packages: import names.

    Raises:
        HybridBenchError: if one is missing, with the command that installs it.
    """
    for package in packages:
        if find_spec(package) is None:
            raise HybridBenchError(
                f"{user} needs the package {package!r}, which is not installed",
                f'Run: python -m pip install "hybrid-bench[{extra}]"',
            )
