"""Reference of the Python packages: every name that they export, from its docstring."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from extensions import comments
from hybrid_bench.support import lazy_exports

_PACKAGES = {
    "hybrid_bench": "For users: loading encoders and suites, evaluating, comparing and reporting.",
    "hybrid_bench.plugin": (
        "For plugins: what they implement and what they may import. A name that users have too is in `hybrid_bench`."
    ),
    "hybrid_bench.testing": "Tests that a plugin's author subclasses.",
}
#: Headings, with what tells their names; the first that fits counts.
_KINDS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("Functions", inspect.isroutine),
    ("Classes", inspect.isclass),
    ("Modules", inspect.ismodule),
    ("Constants and type aliases", lambda _: True),
)


def pages() -> dict[str, str]:
    """Path of each page, without its suffix, to its Markdown."""
    return {f"python/{name}": _page(importlib.import_module(name), about) for name, about in _PACKAGES.items()}


def _page(package: ModuleType, about: str) -> str:
    parts = [f"# {package.__name__}\n\n{about}\n"]
    names = sorted(set(package.__all__) - _documented_before(package), key=str.lower)
    for heading, fits in _KINDS:
        chosen = [name for name in names if fits(getattr(package, name))]
        names = [name for name in names if name not in chosen]
        if chosen:
            blocks = "\n".join(_block(package, name, heading) for name in chosen)
            parts.append(f"## {heading}\n\n```{{eval-rst}}\n{blocks}\n```\n")
    return "\n".join(parts)


def _documented_before(package: ModuleType) -> set[str]:
    """Names that an earlier package of the page's table has too: they are the same objects."""
    import hybrid_bench

    return set() if package is hybrid_bench else set(hybrid_bench.__all__)


def _block(package: ModuleType, name: str, heading: str) -> str:
    full = f"{package.__name__}.{name}"
    if heading == "Functions":
        return f".. autofunction:: {full}\n"
    if heading == "Classes":
        return f".. autoclass:: {full}\n   :members:\n   :exclude-members: model_config, model_post_init\n"
    if heading == "Modules":
        return f".. automodule:: {getattr(package, name).__name__}\n   :members:\n"
    return f".. py:data:: {full}\n\n   {_comment(package, name)}\n"


def _comment(package: ModuleType, name: str) -> str:
    stub = Path(str(package.__file__)).with_suffix(".pyi")
    module, attribute = lazy_exports.exports(stub)[name]
    return comments.of_constants(importlib.import_module(module)).get(attribute, "")
