"""Who works on the parts of a long job: threads here; clusters are plugins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar, cast

from threadpoolctl import threadpool_limits

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.registry import Registry

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Works on the parts of a job. The parts, and so the results, do not depend on how many work on them."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The results of a function, in the order of the items; its first error ends the job."""


#: What an entry point of ``hybrid_bench.executors`` names: called without arguments.
REGISTRY: Registry[Callable[[], Executor]] = Registry("hybrid_bench.executors", "executor", cast(Any, Callable))


class LocalExecutor:
    """Threads of this process, each with one thread of the linear algebra library.

    Args:
        threads: how many; by default as many as there are processors for this process.
    """

    def __init__(self, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise HybridBenchError(f"{threads} threads cannot do anything", "Give 1 or more.")
        self.threads = threads or _processors()

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """See :class:`Executor`."""
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(self.threads) as pool:
            yield from pool.map(function, items)


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
