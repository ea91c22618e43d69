"""Who works on the parts of a long job: threads and processes of this machine here; clusters are plugins."""

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

#: Parts in flight for each worker: one that it works on, one that waits for it.
_AHEAD = 2


class LocalExecutor:
    """This machine. :meth:`map` uses threads, :meth:`map_stateful` this process, or processes where several are asked for.

    Args:
        threads: how many; by default as many as there are processors for this process.
        workers: processes of :meth:`map_stateful`, which share the threads. With 1, nothing leaves this process.
        address: of a cluster: refused.
    """

    def __init__(self, threads: int | None = None, *, workers: int | None = None, address: str | None = None) -> None:
        for name, number in (("threads", threads), ("workers", workers)):
            if number is not None and number < 1:
                raise HybridBenchError(f"{number} {name} cannot do anything", "Give 1 or more.")
        if address is not None:
            raise HybridBenchError(
                "the executor local has no address",
                "Omit --address, or choose another --executor.",
            )
        self.threads = threads or _processors()
        self.workers = workers or 1

    def check_folder(self, folder: Path) -> None:
        """See :class:`Executor`: whoever works here sees what this process sees."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """See :class:`Executor`."""
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(self.threads) as pool:
            yield from _in_order(pool, function, items, self.threads * _AHEAD)

    def map_stateful(self, make: Callable[[], Callable[[T], R]], items: Iterable[T]) -> Iterator[R]:
        """See :class:`Executor`."""
        if self.workers == 1:
            stream = iter(items)
            for first in stream:  # nothing is made for no items
                yield from map(make(), itertools.chain([first], stream))
            return
        share = max(1, self.threads // self.workers)
        context = multiprocessing.get_context("spawn")  # a forked copy of a process with threads may hang
        with ProcessPoolExecutor(self.workers, context, initializer=_Worker.start, initargs=(make, share)) as pool:
            try:
                yield from _in_order(pool, _Worker.work, items, self.workers * _AHEAD)
            except BrokenProcessPool as error:
                raise HybridBenchError(
                    "a worker process ended before its work was done", "It may have run out of memory. Run again: it goes on."
                ) from error


def _in_order(pool: Pool, function: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """Like ``pool.map``, but with a bounded number of items taken before their results are."""
    stream = iter(items)
    waiting: collections.deque[Future[R]] = collections.deque()
    try:
        for item in stream:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


class _Worker(Generic[T, R]):
    """What a process keeps between items."""

    _make: Callable[[], Callable[[Any], Any]]
    _function: Callable[[Any], Any] | None = None

    @classmethod
    def start(cls, make: Callable[[], Callable[[T], R]], threads: int) -> None:
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[variable] = str(threads)  # before numpy or torch are imported by the model
        cls._make = make

    @classmethod
    def work(cls, item: T) -> R:
        if cls._function is None:  # here and not in start, where an error would only say that the pool is broken
            cls._function = cls._make()
        return cast(R, cls._function(item))


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
