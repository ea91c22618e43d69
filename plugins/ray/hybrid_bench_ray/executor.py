"""The executor: parts of a job handed to a cluster, a bounded number of them at a time, their results taken in order."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hybrid_bench import HybridBenchError
from hybrid_bench_ray import at_work
from hybrid_bench_ray.cluster import alive, check_folder, connect, divide
from hybrid_bench_ray.crew import AHEAD, PATIENCE, RETRIES, Crew, result_of

if TYPE_CHECKING:
    from ray import ObjectRef

T = TypeVar("T")
R = TypeVar("R")


class RayExecutor:
    """A Ray cluster. :meth:`map` uses a task for an item, :meth:`map_stateful` actors.

    Only this process writes, so that a job that was killed resumes as it does without a cluster. Workers that search read the
    shards themselves: see :meth:`check_folder`.

    Args:
        workers: actors of :meth:`map_stateful`; see :func:`hybrid_bench_ray.cluster.divide`. Tasks take what is free.
        address: see :func:`hybrid_bench_ray.cluster.connect`.
        patience: seconds to wait for a cluster that does nothing for us.

    Raises:
        HybridBenchError: if there is no cluster at the address, or none can be started.
    """

    def __init__(self, *, workers: int | None = None, address: str | None = None, patience: float = PATIENCE) -> None:
        if workers is not None and workers < 1:
            raise HybridBenchError(f"{workers} workers cannot do anything", "Give 1 or more.")
        connect(address, workers)
        self.workers = workers
        self.patience = patience

    def check_folder(self, folder: Path) -> None:
        """Raise HybridBenchError if a node does not see what this process writes into a folder, or has other software."""
        check_folder(folder)

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The results of a function, in the order of the items; each computed by one thread somewhere on the cluster."""
        import ray

        shared = ray.put(function)  # once, and not once a task
        call: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(at_work.call)
        ahead = AHEAD * max(1, int(sum(node["Resources"].get("CPU", 0) for node in alive())))
        waiting: collections.deque[ObjectRef[R]] = collections.deque()
        try:
            for item in items:
                waiting.append(call.remote(shared, item))
                if len(waiting) >= ahead:
                    yield result_of(waiting.popleft(), self.patience)
            while waiting:
                yield result_of(waiting.popleft(), self.patience)
        finally:
            for task in waiting:
                ray.cancel(task)

    def map_stateful(self, make: Callable[[], Callable[[T], R]], items: Iterable[T]) -> Iterator[R]:
        """The same by actors, each of which calls ``make`` once; with a GPU each if ``make.device`` is ``cuda``."""
        gpu = str(getattr(make, "device", "cpu")).startswith("cuda")
        share = divide([node["Resources"] for node in alive()], self.workers, gpu)
        environment = {name: os.environ[name] for name in at_work.ENVIRONMENT if name in os.environ}
        yield from Crew(make, share, environment, self.patience).results(items)
