"""Reading and writing TOML; errors name the file and line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from hybrid_bench.errors import HybridBenchError


def loads(text: str, name: str) -> dict[str, Any]:
    """Parse TOML; errors call it ``name``. Raises HybridBenchError if it is not valid."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of numbers of thousands of digits, and of deep nesting
        raise HybridBenchError(f"{name} is not valid TOML: {error}") from error


def load(path: Path) -> dict[str, Any]:
    """Parse a TOML file. Raises HybridBenchError if it is not valid TOML in UTF-8."""
    try:
        return loads(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise HybridBenchError(f"{path} is not UTF-8: {error}") from error


def dumps(fields: Mapping[str, Any]) -> str:
    """Format as TOML: plain keys first, then one level of tables; deeper tables are inline."""
    lines = [f"{key} = {_value(value)}" for key, value in fields.items() if not isinstance(value, Mapping)]
    for key, value in fields.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{key}]", *(f"{name} = {_value(item)}" for name, item in value.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
