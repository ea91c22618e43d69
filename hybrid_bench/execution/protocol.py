"""The Executor protocol, and the registry of executors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from hybrid_bench.registry import Registry

T = TypeVar("T")


R = TypeVar("R")


class Executor(Protocol):
    """Works on the parts of a job. The parts, and so the results, do not depend on how many work on them.

    Both methods give results in the order of the items, whoever was first; take items one by one, no more of them than
    a small multiple of the workers before their results are taken (an item is a shard of texts, and a collection does not
    fit into memory); and end the job with the first error of a function. A function is called again if its worker was lost:
    what it does has no effect but its result. An executor of other processes pickles functions, items and results; the
    functions of the harness are picklable where :meth:`map_stateful` is used.
    """

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The results of a function, each computed by one thread: its linear algebra too."""

    def map_stateful(self, make: Callable[[], Callable[[T], R]], items: Iterable[T]) -> Iterator[R]:
        """The same for a function that is expensive to make, such as a loaded model.

        ``make`` is called once by each worker, before its first item. A worker computes with as many threads as the executor
        gives it, and on a GPU of its own if ``make`` has an attribute ``device`` that is ``cuda``.
        """

    def check_folder(self, folder: Path) -> None:
        """Raise HybridBenchError if what this process writes into a folder is not seen by all who work."""


#: What an entry point of ``hybrid_bench.executors`` names: called without arguments, or with ``workers=`` (see
#: :class:`LocalExecutor`) and ``address=`` (of a cluster; None for an executor that needs none).
REGISTRY: Registry[Callable[..., Executor]] = Registry("hybrid_bench.executors", "executor", cast(Any, Callable))
