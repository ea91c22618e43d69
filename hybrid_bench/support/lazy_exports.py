"""Names that a package exports and imports when they are first used.

The names are listed once, as imports in the package's stub file ``__init__.pyi``, which type checkers read as well.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def exports(stub: Path) -> Mapping[str, tuple[str, str]]:
    """Exported name to the module and the name there, by the imports of a stub file."""
    found = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = (str(node.module), alias.name)
    return found


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Args:
        package: its ``__name__``.
        file: its ``__file__``; the stub is beside it.
    """
    names = exports(Path(file).with_suffix(".pyi"))

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = names[name]
        found = importlib.import_module(module)
        return getattr(found, attribute) if hasattr(found, attribute) else importlib.import_module(f"{module}.{attribute}")

    return get, lambda: list(names), list(names)


def method(target: str) -> Callable[..., Any]:
    """A method that is implemented in a part above the class, ``module:function``, and imported when it is called.

    For what users look for on a record that many parts build on. The function has the object as its first argument.
    """
    module, _, name = target.partition(":")

    def call(self: Any, *args: Any, **named: Any) -> Any:
        return getattr(importlib.import_module(module), name)(self, *args, **named)

    call.__name__ = name
    call.__doc__ = f"See :func:`{module}.{name}`."
    return call
