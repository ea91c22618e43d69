"""Hybrid Bench: how well an encoder retrieves in one language, across languages, and from a pool of mixed languages.

The names of ``hybrid_bench`` are for those who evaluate; those for plugins are in :mod:`hybrid_bench.plugin`. They are listed in
``__init__.pyi`` and imported when they are first used, so that ``import hybrid_bench`` takes no time.
"""

from __future__ import annotations

from typing import Any

from hybrid_bench.support.lazy_exports import attach

_get, _dir, __all__ = attach(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from hybrid_bench.support.versions import hybrid_bench

        return hybrid_bench()
    return _get(name)


def __dir__() -> list[str]:
    return [*_dir(), "__version__"]
