"""Check for ``hybrid-bench doctor``: whether the start-up hook is active."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import hybrid_bench_ir_datasets as hook
from hybrid_bench.plugin import Finding


def examine() -> Iterator[Finding]:
    """Whether Python has run the start-up file, and whether the hook is switched off."""
    what = "ir_datasets hook"
    if os.environ.get(hook.VARIABLE) == "0":
        yield Finding(what, "missing", f"switched off by {hook.VARIABLE}=0", f"unset {hook.VARIABLE}")
    elif not any(type(finder).__module__ == hook.__name__ for finder in sys.meta_path):
        remedy = "python -m pip install --force-reinstall --no-deps hybrid-bench-ir-datasets"
        yield Finding(what, "broken", "Python did not run the start-up file hybrid_bench_ir_datasets.pth", remedy)
    else:
        yield Finding(what, "ok", "active")
