"""Reading TOML, with errors that name the file and line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from hybrid_bench.errors import HybridBenchError


def loads(text: str, name: str) -> dict[str, Any]:
    """Parse TOML; ``name`` is what the error calls it."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise HybridBenchError(f"{name} is not valid TOML: {error}") from error


def load(path: Path) -> dict[str, Any]:
    """Parse a TOML file."""
    try:
        return loads(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise HybridBenchError(f"{path} is not UTF-8: {error}") from error
