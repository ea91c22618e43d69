"""Executors that run a job's tasks: the protocol and the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from hybrid_bench.registry import Registry

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Runs the tasks of a job in parallel. How a job is split, and so its results, does not depend on the number of workers.

    Both methods

    * yield results in the order of the items;
    * read items lazily: at most a small multiple of the number of workers ahead of the results that were consumed (an item
      is a shard of texts, and a collection may not fit into memory);
    * stop the job at the first error that a function raises;
    * may call a function again for the same item if its worker was lost, so functions must have no side effects.

    An executor that uses other processes pickles functions, items and results; the functions that the harness passes to
    :meth:`map_stateful` can be pickled.
    """

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Apply a function to every item; each call uses one thread, including its linear algebra."""

    def map_stateful(self, make: Callable[[], Callable[[T], R]], items: Iterable[T]) -> Iterator[R]:
        """Apply a function that is expensive to create, such as a loaded model, to every item.

        Each worker calls ``make`` once, before its first item. A worker uses as many threads as the executor assigns to it,
        and a separate GPU if ``make`` has an attribute ``device`` that is ``cuda``.
        """

    def check_folder(self, folder: Path) -> None:
        """Raise HybridBenchError unless all workers can see the files that this process writes to a folder."""


#: Entry points of ``hybrid_bench.executors`` name a callable that returns an executor. It is called without arguments, or
#: with ``workers=`` (see :class:`LocalExecutor`) and ``address=`` (of a cluster, or None).
REGISTRY: Registry[Callable[..., Executor]] = Registry("hybrid_bench.executors", "executor", cast(Any, Callable))
