"""Location of the cache folder."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The cache folder: ``$HYBRID_BENCH_HOME``, else ``$XDG_CACHE_HOME/hybrid-bench``, else ``~/.cache/hybrid-bench``."""
    if chosen := os.environ.get("HYBRID_BENCH_HOME"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hybrid-bench"
