"""Comments that begin with ``#:``, which document the fields of a class and the constants of a module."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import ModuleType
from typing import Any


def of_fields(kind: type[Any]) -> dict[str, str]:
    """Field of a class, its bases included, to the comment above it."""
    found: dict[str, str] = {}
    for base in reversed([base for base in kind.__mro__ if base.__module__.startswith("hybrid_bench")]):
        tree = ast.parse(source := textwrap.dedent(inspect.getsource(base))).body[0]
        found |= _above(tree.body if isinstance(tree, ast.ClassDef) else [], source)
    return found


def of_constants(module: ModuleType) -> dict[str, str]:
    """Constant of a module to the comment above it."""
    source = inspect.getsource(module)
    return _above(ast.parse(source).body, source)


def _above(statements: list[ast.stmt], source: str) -> dict[str, str]:
    lines = source.splitlines()
    found: dict[str, str] = {}
    for statement in statements:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        at = statement.lineno - 1
        comment: list[str] = []
        while at and lines[at - 1].strip().startswith("#:"):
            at -= 1
            comment.insert(0, lines[at].strip().removeprefix("#:").strip())
        found |= {target.id: " ".join(comment) for target in targets if isinstance(target, ast.Name) and comment}
    return found
