"""The local executor: threads and processes of this machine."""

from __future__ import annotations

import collections
import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor as Pool
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Generic, cast

from threadpoolctl import threadpool_limits

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.execution.protocol import R, T

#: Tasks submitted per worker: one running, one queued.
_TASKS_PER_WORKER = 2


class LocalExecutor:
    """Runs tasks on this machine: threads for :meth:`map`, this process or several for :meth:`map_stateful`.

    Args:
        threads: number of threads; by default the number of processors available to this process.
        workers: number of processes for :meth:`map_stateful`, which share the threads. 1: this process.
        address: must be None; only executors for clusters have one.
    """

    def __init__(self, threads: int | None = None, *, workers: int | None = None, address: str | None = None) -> None:
        for name, number in (("threads", threads), ("workers", workers)):
            if number is not None and number < 1:
                raise HybridBenchError(f"the local executor needs 1 or more {name}, not {number}")
        if address is not None:
            raise HybridBenchError(
                "the executor local has no address",
                "Omit --address, or choose another --executor.",
            )
        self.threads = threads or _processors()
        self.workers = workers or 1

    def check_folder(self, folder: Path) -> None:
        """See :class:`Executor`: all workers are on this machine, so there is nothing to check."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """See :class:`Executor`."""
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(self.threads) as pool:
            yield from _in_order(pool, function, items, self.threads * _TASKS_PER_WORKER)

    def map_stateful(self, make: Callable[[], Callable[[T], R]], items: Iterable[T]) -> Iterator[R]:
        """See :class:`Executor`."""
        if self.workers == 1:
            stream = iter(items)
            for first in stream:  # without items, make() is not called
                yield from map(make(), itertools.chain([first], stream))
            return
        share = max(1, self.threads // self.workers)
        context = multiprocessing.get_context("spawn")  # forking a process that has threads may deadlock
        with ProcessPoolExecutor(self.workers, context, initializer=_Worker.start, initargs=(make, share)) as pool:
            try:
                yield from _in_order(pool, _Worker.work, items, self.workers * _TASKS_PER_WORKER)
            except BrokenProcessPool as error:
                raise HybridBenchError(
                    "a worker process ended unexpectedly", "It may have run out of memory. Run again to resume."
                ) from error


def _in_order(pool: Pool, function: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """Like ``pool.map``, but submits at most ``ahead`` items before their results are consumed."""
    stream = iter(items)
    pending: collections.deque[Future[R]] = collections.deque()
    try:
        for item in stream:
            pending.append(pool.submit(function, item))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


class _Worker(Generic[T, R]):
    """State of a worker process: the function that it created."""

    _make: Callable[[], Callable[[Any], Any]]
    _function: Callable[[Any], Any] | None = None

    @classmethod
    def start(cls, make: Callable[[], Callable[[T], R]], threads: int) -> None:
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[variable] = str(threads)  # must be set before numpy or torch is imported
        cls._make = make

    @classmethod
    def work(cls, item: T) -> R:
        if cls._function is None:  # not in start(), where an error would only surface as a broken pool
            cls._function = cls._make()
        return cast(R, cls._function(item))


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
