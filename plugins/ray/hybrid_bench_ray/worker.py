"""Code that runs in the worker processes of the cluster."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hybrid_bench

#: Environment variables that encoders read. They are passed on, because a worker inherits the environment of its node.
ENVIRONMENT = ("HYBRID_BENCH_HOME", "HYBRID_BENCH_MIRROR", "HF_HOME", "HF_HUB_OFFLINE")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def call(function: Callable[[Any], Any], item: Any) -> Any:
    """A Ray task: call a function with one thread."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return function(item)


class Worker:
    """A Ray actor that keeps a function that is expensive to create, such as a loaded model."""

    def __init__(self) -> None:
        self._function: Callable[[Any], Any] | None = None
        self._threads = 1

    def ping(self) -> None:
        """Return as soon as the process has started."""

    def setup(self, make: Callable[[], Callable[[Any], Any]], environment: Mapping[str, str], threads: int) -> None:
        """Create the function with ``make``."""
        os.environ.update(environment)
        os.environ.update(dict.fromkeys(_THREADS, str(threads)))  # before the model imports numpy or torch
        self._threads = threads
        self._function = make()

    def run(self, item: Any) -> Any:
        """Call the function."""
        from threadpoolctl import threadpool_limits

        if self._function is None:
            raise RuntimeError("setup() was not called")
        with threadpool_limits(limits=self._threads):
            return self._function(item)


def probe(path: str) -> tuple[bytes, dict[str, str]]:
    """Read a file on this node (empty if it does not exist), and report the node's software."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        content = b""
    return content, software()


def software() -> dict[str, str]:
    """Software versions that must be the same on all nodes."""
    return {"hybrid-bench": hybrid_bench.__version__, "python": ".".join(platform.python_version_tuple()[:2])}
