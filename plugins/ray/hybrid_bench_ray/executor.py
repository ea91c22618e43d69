"""The executor: runs a bounded number of tasks of a job at a time and returns their results in order."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hybrid_bench import HybridBenchError
from hybrid_bench_ray import worker
from hybrid_bench_ray.actor_pool import IN_FLIGHT, RETRIES, TIMEOUT, ActorPool, result_of
from hybrid_bench_ray.cluster import alive, allocate, check_folder, connect

if TYPE_CHECKING:
    from ray import ObjectRef

T = TypeVar("T")
R = TypeVar("R")


class RayExecutor:
    """Executor on a Ray cluster. :meth:`map` uses one task per item, :meth:`map_stateful` uses actors.

    Only this process writes files, so an interrupted job resumes as it does without a cluster. Search tasks read the shards
    themselves: see :meth:`check_folder`.

    Args:
        workers: number of actors of :meth:`map_stateful`; see :func:`hybrid_bench_ray.cluster.allocate`. Tasks use the free
            CPUs.
        address: see :func:`hybrid_bench_ray.cluster.connect`.
        timeout: seconds to wait for a cluster that is busy.

    Raises:
        HybridBenchError: if there is no cluster at the address, or no cluster can be started.
    """

    def __init__(self, *, workers: int | None = None, address: str | None = None, timeout: float = TIMEOUT) -> None:
        if workers is not None and workers < 1:
            raise HybridBenchError(f"the number of workers must be at least 1, not {workers}", "Choose --workers 1 or more.")
        connect(address, workers)
        self.workers = workers
        self.timeout = timeout

    def check_folder(self, folder: Path) -> None:
        """Raise HybridBenchError if a node does not share the folder with this process, or has other software versions."""
        check_folder(folder)

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield the results of a function in the order of the items; each is computed with one thread on the cluster."""
        import ray

        shared = ray.put(function)  # once per job instead of once per task
        call: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(worker.call)
        limit = IN_FLIGHT * max(1, int(sum(node["Resources"].get("CPU", 0) for node in alive())))
        pending: collections.deque[ObjectRef[R]] = collections.deque()
        try:
            for item in items:
                pending.append(call.remote(shared, item))
                if len(pending) >= limit:
                    yield result_of(pending.popleft(), self.timeout)
            while pending:
                yield result_of(pending.popleft(), self.timeout)
        finally:
            for task in pending:
                ray.cancel(task)

    def map_stateful(self, make: Callable[[], Callable[[T], R]], items: Iterable[T]) -> Iterator[R]:
        """As :meth:`map`, with actors that call ``make`` once each. An actor gets a GPU if ``make.device`` is ``cuda``."""
        gpu = str(getattr(make, "device", "cpu")).startswith("cuda")
        allocation = allocate([node["Resources"] for node in alive()], self.workers, gpu)
        environment = {name: os.environ[name] for name in worker.ENVIRONMENT if name in os.environ}
        yield from ActorPool(make, allocation, environment, self.timeout).results(items)
