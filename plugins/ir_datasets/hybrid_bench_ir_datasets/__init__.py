"""Hybrid Bench datasets and measures in plain ``ir_datasets`` and ``ir_measures``, without an import of ``hybrid_bench``.

Python calls :func:`install` at every start, through the ``.pth`` file beside this package. To keep the start fast, this module
imports only what Python has loaded by then, not even ``typing``: most programs import neither.
"""

import os
import sys

TYPE_CHECKING = False  # type checkers treat it as True, like typing.TYPE_CHECKING
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["VARIABLE", "install"]

#: Set this environment variable to ``0`` to switch the hook off.
VARIABLE = "HYBRID_BENCH_IR_DATASETS"

#: What is extended, the module of Hybrid Bench that imports it, the function that registers, and what it registers.
_EXTENDED = {
    "ir_datasets": ("hybrid_bench.datasets.irds_entries", "register_datasets", "datasets"),
    "ir_measures": ("hybrid_bench.measures.provider", "register_measures", "measures"),
}
#: The package of PEER's authors registers PEER when it is imported, and fails if the name is taken.
_OWNER_OF_PEER = "peer_measure"


def install() -> None:
    """Register Hybrid Bench's datasets and measures as soon as what they extend is imported. Repeated calls have no effect."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
        for name in _EXTENDED:
            if name in sys.modules:
                _register(name)


class _Finder:
    """Meta path finder that delegates to the finders after it and wraps the loaders of what is extended."""

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """The spec of what is extended with a loader that also registers; None for every other module."""
        if fullname == _OWNER_OF_PEER:  # it is about to be imported
            _release_peer()
        if fullname not in _EXTENDED:
            return None
        finders = list(sys.meta_path)
        if self not in finders:  # another hook wraps this finder and finds the module itself
            return None
        # The finders before it were asked already. Asking only those after it avoids infinite recursion with similar hooks.
        for finder in finders[finders.index(self) + 1 :]:
            find_spec = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec(fullname, path, target) if find_spec else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _RegisteringLoader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _RegisteringLoader:
    """Wrapper of the loader of what is extended, used until the module has run."""

    def __init__(self, loader: "Loader | None") -> None:
        self._loader: Any = loader

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._loader, name)

    def create_module(self, spec: "ModuleSpec") -> "ModuleType | None":
        """Delegate to the wrapped loader."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: "ModuleType") -> None:
        """Run the module, then register. The import lock makes importers in all threads wait for both."""
        # Restore the real loader: importlib.resources and inspect read it from the module.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _register(module.__name__)


def _register(extended: str) -> None:
    if os.environ.get(VARIABLE) == "0":
        return
    importer, function, what = _EXTENDED[extended]
    importing = sys.modules.get(importer)
    if importing is not None and not hasattr(importing, "register"):
        return  # Hybrid Bench is importing it and registers by itself.
    try:
        import hybrid_bench.plugin

        getattr(hybrid_bench.plugin, function)()
        if _OWNER_OF_PEER in sys.modules:  # it is being imported
            _release_peer()
    except Exception as error:  # what is extended must work even if Hybrid Bench is broken
        import logging

        problem = " ".join(f"{type(error).__name__}: {error}".split())
        logging.getLogger(__name__).warning(
            "Hybrid Bench %s are not available in %s: %s (set %s=0 to disable the hook)", what, extended, problem, VARIABLE
        )


def _release_peer() -> None:
    measures = sys.modules.get("ir_measures")
    registry = measures.measures.registry if measures is not None else {}
    if type(registry.get("PEER")).__module__.startswith("hybrid_bench."):
        del registry["PEER"]


_FINDER = _Finder()
