"""A pool of Ray actors that process a stream of items. Lost actors are replaced, and their items are retried on other actors.

Ray can restart actors and retry their calls, but only on the same actor: if its machine does not come back, the calls wait
forever. This pool retries on any live actor.
"""

from __future__ import annotations

import collections
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hybrid_bench import HybridBenchError
from hybrid_bench_ray import worker
from hybrid_bench_ray.cluster import Allocation

if TYPE_CHECKING:
    from ray import ObjectRef

T = TypeVar("T")
R = TypeVar("R")

#: Items in flight per worker: one that is processed, one that is queued.
IN_FLIGHT = 2
#: Number of retries of an item whose worker was lost.
RETRIES = 3
#: Seconds to wait for a worker on a busy cluster.
TIMEOUT = 900.0

_BUSY = (
    "It is busy or lost machines: see `ray status`. Run the command again to resume. "
    "With more --workers, each needs fewer CPUs and starts sooner."
)


@dataclass(eq=False)
class _Actor:
    handle: Any
    in_flight: int = 0


@dataclass
class ActorPool(Generic[T, R]):
    """The actors of one job.

    Attributes:
        make: creates the function; called once by each actor.
        allocation: number of actors, and resources of each.
        environment: environment variables that each actor sets.
        timeout: seconds to wait while no actor is running.
    """

    make: Callable[[], Callable[[T], R]]
    allocation: Allocation
    environment: Mapping[str, str]
    timeout: float
    _make_reference: Any = None
    _starting: dict[ObjectRef[None], _Actor] = field(default_factory=dict)
    _loading: dict[ObjectRef[None], _Actor] = field(default_factory=dict)
    _ready: list[_Actor] = field(default_factory=list)
    _running: dict[ObjectRef[R], tuple[_Actor, int]] = field(default_factory=dict)
    _items: dict[int, T] = field(default_factory=dict)
    _queue: list[int] = field(default_factory=list)
    _done: dict[int, R] = field(default_factory=dict)
    #: Number of lost actors by item; -1 counts actors lost during their start.
    _losses: collections.Counter[int] = field(default_factory=collections.Counter)

    def results(self, items: Iterable[T]) -> Iterator[R]:
        """Yield the results in the order of the items, with at most :data:`IN_FLIGHT` items per worker taken in advance."""
        position = 0
        try:
            for number, item in enumerate(items):
                self._submit(number, item)
                while len(self._items) + len(self._done) >= self.allocation.workers * IN_FLIGHT:
                    yield self._result(position)
                    position += 1
            while self._items or self._done:
                yield self._result(position)
                position += 1
        finally:
            self._kill_all()

    def _submit(self, number: int, item: T) -> None:
        self._items[number] = item
        heapq.heappush(self._queue, number)
        if number < self.allocation.workers:  # one actor per item at first: few items need few models
            self._start_actor()
        self._advance(timeout=0)

    def _result(self, number: int) -> R:
        while number not in self._done:
            no_actor = not self._ready and not self._loading
            if not self._advance(self.timeout if no_actor else None):
                resources = f"{self.allocation.cpus} CPUs" + (" and a GPU" if self.allocation.gpus else "")
                raise HybridBenchError(f"the Ray cluster had no {resources} free for a worker within {self.timeout:.0f} s", _BUSY)
        return self._done.pop(number)

    def _start_actor(self) -> None:
        import ray

        if self._make_reference is None:
            self._make_reference = ray.put(self.make)
        handle: Any = ray.remote(num_cpus=self.allocation.cpus, num_gpus=self.allocation.gpus)(worker.Worker).remote()
        self._starting[handle.ping.remote()] = _Actor(handle)

    def _advance(self, timeout: float | None) -> bool:
        """Dispatch queued items and process finished calls; False if no call finished within the timeout (seconds)."""
        import ray

        self._dispatch()
        pending = [*self._running, *self._loading, *self._starting]
        done, _ = ray.wait(pending, num_returns=len(pending), timeout=0)
        if not done and timeout != 0:
            done, _ = ray.wait(pending, num_returns=1, timeout=timeout)
        for reference in done:
            if reference in self._running:
                self._on_finished(reference)
            else:
                self._on_started(reference)
        self._dispatch()
        return bool(done)

    def _dispatch(self) -> None:
        while self._queue and (free := [actor for actor in self._ready if actor.in_flight < IN_FLIGHT]):
            actor = min(free, key=lambda one: one.in_flight)
            number = heapq.heappop(self._queue)
            self._running[actor.handle.run.remote(self._items[number])] = (actor, number)
            actor.in_flight += 1

    def _on_started(self, reference: ObjectRef[None]) -> None:
        import ray
        from ray.exceptions import RayError, RayTaskError

        started = reference in self._starting
        actor = (self._starting if started else self._loading).pop(reference)
        try:
            ray.get(reference)
        except RayTaskError as error:
            raise _unwrapped(error) from error
        except RayError as error:
            self._count_losses([-1], error)
            self._start_actor()
        else:
            if started:
                setup = actor.handle.setup.remote(self._make_reference, self.environment, self.allocation.cpus)
                self._loading[setup] = actor
            else:
                self._ready.append(actor)
                del self._losses[-1]

    def _on_finished(self, reference: ObjectRef[R]) -> None:
        import ray
        from ray.exceptions import RayError, RayTaskError

        actor, number = self._running.pop(reference)
        actor.in_flight -= 1
        try:
            self._done[number] = ray.get(reference)
        except RayTaskError as error:
            raise _unwrapped(error) from error
        except RayError as error:
            heapq.heappush(self._queue, number)
            if actor in self._ready:  # false for its second item in flight
                self._ready.remove(actor)
                ray.kill(actor.handle)  # it may be alive but unreachable
                self._start_actor()
            self._count_losses([number], error)
        else:
            del self._items[number]

    def _count_losses(self, numbers: Iterable[int], error: Exception) -> None:
        self._losses.update(numbers)
        if any(self._losses[number] > RETRIES for number in numbers):
            raise _lost_too_often(error) from error

    def _kill_all(self) -> None:
        import ray

        actors = {
            *self._starting.values(),
            *self._loading.values(),
            *self._ready,
            *(actor for actor, _ in self._running.values()),
        }
        for actor in actors:
            ray.kill(actor.handle)


def result_of(reference: ObjectRef[Any], timeout: float) -> Any:
    """Wait for the result of a task, at most ``timeout`` seconds.

    Raises:
        HybridBenchError: if the function raised one, its workers were lost repeatedly, or the timeout was exceeded.
    """
    import ray
    from ray.exceptions import GetTimeoutError, RayError, RayTaskError

    try:
        return ray.get(reference, timeout=timeout)
    except RayTaskError as error:
        raise _unwrapped(error) from error
    except GetTimeoutError as error:
        raise HybridBenchError(f"the Ray cluster did not finish a search task within {timeout:.0f} s", _BUSY) from error
    except RayError as error:
        raise _lost_too_often(error) from error


def _unwrapped(error: Any) -> Exception:
    """The HybridBenchError that a function raised; otherwise Ray's error, which contains the remote traceback."""
    cause: Exception | None = error.cause
    return cause if isinstance(cause, HybridBenchError) else error


def _lost_too_often(error: Exception) -> HybridBenchError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = f" ({lines[0]})" if lines else ""
    return HybridBenchError(
        f"the workers of one task were lost {RETRIES + 1} times{reason}",
        "They may have run out of memory: reduce --workers. Run the command again to resume.",
    )
