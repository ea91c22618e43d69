"""What runs in the processes of the cluster."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hybrid_bench

#: What encoders read of the environment. A worker has that of its node, not that of the process that asks.
ENVIRONMENT = ("HYBRID_BENCH_HOME", "HYBRID_BENCH_MIRROR", "HF_HOME", "HF_HUB_OFFLINE")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def call(function: Callable[[Any], Any], item: Any) -> Any:
    """A task: the result of a function, computed by one thread."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return function(item)


class Worker:
    """An actor: keeps a function that is expensive to make."""

    def __init__(self) -> None:
        self._function: Callable[[Any], Any] | None = None
        self._threads = 1

    def here(self) -> None:
        """Answers when the process has started."""

    def make(self, make: Callable[[], Callable[[Any], Any]], environment: Mapping[str, str], threads: int) -> None:
        """Make the function."""
        os.environ.update(environment)
        os.environ.update(dict.fromkeys(_THREADS, str(threads)))  # before numpy or torch are imported by the model
        self._threads = threads
        self._function = make()

    def work(self, item: Any) -> Any:
        """The result of the function."""
        from threadpoolctl import threadpool_limits

        if self._function is None:
            raise RuntimeError("nothing was made yet")
        with threadpool_limits(limits=self._threads):
            return self._function(item)


def look(path: str) -> tuple[bytes, dict[str, str]]:
    """What this node reads from a file, empty if there is none; and its software."""
    try:
        seen = Path(path).read_bytes()
    except OSError:
        seen = b""
    return seen, software()


def software() -> dict[str, str]:
    """What has to be the same everywhere."""
    return {"hybrid-bench": hybrid_bench.__version__, "python": ".".join(platform.python_version_tuple()[:2])}
