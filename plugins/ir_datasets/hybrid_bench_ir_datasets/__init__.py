"""Hybrid Bench's datasets in plain ``ir_datasets``, for programs that never import ``hybrid_bench``.

Python calls :func:`install` at every start, because of the ``.pth`` file beside this package. Nothing is imported for it that
Python has not imported by then, not even ``typing``: most programs that start never import ``ir_datasets``.
"""

import os
import sys

TYPE_CHECKING = False  # type checkers take it for True, as typing's
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["VARIABLE", "install"]

#: Set this environment variable to ``0`` to switch the hook off.
VARIABLE = "HYBRID_BENCH_IR_DATASETS"

_ENTRIES = "hybrid_bench.datasets.irds_entries"


def install() -> None:
    """Have Hybrid Bench's entries registered as soon as ``ir_datasets`` is imported. May be called more than once."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
        if "ir_datasets" in sys.modules:
            _register()


class _Finder:
    """Lets the finders after it find ``ir_datasets``, and wraps the loader that they found."""

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """The spec of ``ir_datasets`` with a loader that also registers; None for every other module."""
        if fullname != "ir_datasets":
            return None
        finders = list(sys.meta_path)
        if self not in finders:  # someone has wrapped it, and does not need it to find the module
            return None
        # Those before it have been asked. Asking only those after it cannot end in a circle with another hook of this kind.
        for finder in finders[finders.index(self) + 1 :]:
            find_spec = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec(fullname, path, target) if find_spec else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _RegisteringLoader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _RegisteringLoader:
    """Stands in for the loader of ``ir_datasets`` until the module has run."""

    def __init__(self, loader: "Loader | None") -> None:
        self._loader: Any = loader

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._loader, name)

    def create_module(self, spec: "ModuleSpec") -> "ModuleType | None":
        """As the real loader does."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: "ModuleType") -> None:
        """Run the module, then register; its importer, in this thread or another one, waits for both."""
        # From here on nobody sees the stand-in: importlib.resources and inspect ask the module for its loader.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _register()


def _register() -> None:
    if os.environ.get(VARIABLE) == "0":
        return
    entries = sys.modules.get(_ENTRIES)
    if entries is not None and not hasattr(entries, "register"):
        return  # Hybrid Bench is importing ir_datasets for itself, and registers when it needs its entries.
    try:
        from hybrid_bench import register_datasets

        register_datasets()
    except Exception as error:  # whatever is wrong with Hybrid Bench, ir_datasets has to work
        import logging

        problem = " ".join(f"{type(error).__name__}: {error}".split())
        logging.getLogger(__name__).warning(
            "ir_datasets does without Hybrid Bench's datasets: %s (%s=0 switches this off)", problem, VARIABLE
        )


_FINDER = _Finder()
