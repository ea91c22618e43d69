"""Actors that work through a stream of items; those that are lost are replaced, and what they had goes to others.

Ray can restart actors and repeat their calls by itself, but on the same actor: where a machine is gone for good, its calls
wait for ever. Here they go to whoever is there.
"""

from __future__ import annotations

import collections
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hybrid_bench import HybridBenchError
from hybrid_bench_ray import at_work
from hybrid_bench_ray.cluster import Share

if TYPE_CHECKING:
    from ray import ObjectRef

T = TypeVar("T")
R = TypeVar("R")

#: Items in flight for each worker: one that it works on, one that waits for it.
AHEAD = 2
#: How often an item is tried again after its worker was lost.
RETRIES = 3
#: Seconds to wait for a cluster that has no worker for us.
PATIENCE = 900.0

_BUSY = "It is busy, or lost machines: see `ray status`. Run again: it goes on. Smaller workers fit sooner: --workers."


@dataclass(eq=False)
class _Member:
    actor: Any
    at_work: int = 0


@dataclass
class Crew(Generic[T, R]):
    """The actors of one job.

    Attributes:
        make: what each calls once.
        share: how many, and what each gets.
        environment: variables that each sets.
        patience: seconds to wait for the first, or for a replacement of the last.
    """

    make: Callable[[], Callable[[T], R]]
    share: Share
    environment: Mapping[str, str]
    patience: float
    _made: Any = None
    _hired: dict[ObjectRef[None], _Member] = field(default_factory=dict)
    _loading: dict[ObjectRef[None], _Member] = field(default_factory=dict)
    _ready: list[_Member] = field(default_factory=list)
    _running: dict[ObjectRef[R], tuple[_Member, int]] = field(default_factory=dict)
    _items: dict[int, T] = field(default_factory=dict)
    _queue: list[int] = field(default_factory=list)
    _done: dict[int, R] = field(default_factory=dict)
    #: by the number of the item; those of a worker that was only being started by -1
    _losses: collections.Counter[int] = field(default_factory=collections.Counter)

    def results(self, items: Iterable[T]) -> Iterator[R]:
        """The results, in the order of the items; no more items are taken than :data:`AHEAD` a worker before they are."""
        position = 0
        try:
            for number, item in enumerate(items):
                self._take(number, item)
                while len(self._items) + len(self._done) >= self.share.workers * AHEAD:
                    yield self._result(position)
                    position += 1
            while self._items or self._done:
                yield self._result(position)
                position += 1
        finally:
            self._dismiss()

    def _take(self, number: int, item: T) -> None:
        self._items[number] = item
        heapq.heappush(self._queue, number)
        if number < self.share.workers:  # a worker for each of the first items: few items do not load many models
            self._hire()
        self._advance(timeout=0)

    def _result(self, number: int) -> R:
        while number not in self._done:
            waits = not self._ready and not self._loading
            if not self._advance(self.patience if waits else None):
                share = f"{self.share.cpus} CPUs" + (" and a GPU" if self.share.gpus else "")
                raise HybridBenchError(f"the Ray cluster had no {share} for a worker in {self.patience:.0f} s", _BUSY)
        return self._done.pop(number)

    def _hire(self) -> None:
        import ray

        if self._made is None:
            self._made = ray.put(self.make)
        actor: Any = ray.remote(num_cpus=self.share.cpus, num_gpus=self.share.gpus)(at_work.Worker).remote()
        self._hired[actor.here.remote()] = _Member(actor)

    def _advance(self, timeout: float | None) -> bool:
        """Hand out what waits, and look at what has happened since; False if nothing has in that time."""
        import ray

        self._hand_out()
        pending = [*self._running, *self._loading, *self._hired]
        done, _ = ray.wait(pending, num_returns=len(pending), timeout=0)
        if not done and timeout != 0:
            done, _ = ray.wait(pending, num_returns=1, timeout=timeout)
        for reference in done:
            if reference in self._running:
                self._finished(reference)
            else:
                self._started(reference)
        self._hand_out()
        return bool(done)

    def _hand_out(self) -> None:
        while self._queue and (free := [member for member in self._ready if member.at_work < AHEAD]):
            member = min(free, key=lambda one: one.at_work)
            number = heapq.heappop(self._queue)
            self._running[member.actor.work.remote(self._items[number])] = (member, number)
            member.at_work += 1

    def _started(self, reference: ObjectRef[None]) -> None:
        import ray
        from ray.exceptions import RayError, RayTaskError

        placed = reference in self._hired
        member = (self._hired if placed else self._loading).pop(reference)
        try:
            ray.get(reference)
        except RayTaskError as error:
            raise _own(error) from error
        except RayError as error:
            self._lost([-1], error)
            self._hire()
        else:
            if placed:
                self._loading[member.actor.make.remote(self._made, self.environment, self.share.cpus)] = member
            else:
                self._ready.append(member)
                del self._losses[-1]

    def _finished(self, reference: ObjectRef[R]) -> None:
        import ray
        from ray.exceptions import RayError, RayTaskError

        member, number = self._running.pop(reference)
        member.at_work -= 1
        try:
            self._done[number] = ray.get(reference)
        except RayTaskError as error:
            raise _own(error) from error
        except RayError as error:
            heapq.heappush(self._queue, number)
            if member in self._ready:  # and not the second item that it had
                self._ready.remove(member)
                ray.kill(member.actor)  # it may live, where the network is lost
                self._hire()
            self._lost([number], error)
        else:
            del self._items[number]

    def _lost(self, numbers: Iterable[int], error: Exception) -> None:
        self._losses.update(numbers)
        if any(self._losses[number] > RETRIES for number in numbers):
            raise _lost_too_often(error) from error

    def _dismiss(self) -> None:
        import ray

        members = {
            *self._hired.values(),
            *self._loading.values(),
            *self._ready,
            *(member for member, _ in self._running.values()),
        }
        for member in members:
            ray.kill(member.actor)


def result_of(reference: ObjectRef[Any], patience: float) -> Any:
    """The result of a task.

    Raises:
        HybridBenchError: if its function raised one; if its workers were lost time and again; or if there is none in time.
    """
    import ray
    from ray.exceptions import GetTimeoutError, RayError, RayTaskError

    try:
        return ray.get(reference, timeout=patience)
    except RayTaskError as error:
        raise _own(error) from error
    except GetTimeoutError as error:
        raise HybridBenchError(f"the Ray cluster has not done a part of a search in {patience:.0f} s", _BUSY) from error
    except RayError as error:
        raise _lost_too_often(error) from error


def _own(error: Any) -> Exception:
    """What a function raised, in place of what Ray says of it; Ray's own, with its traceback, if it is not for a user."""
    cause: Exception | None = error.cause
    return cause if isinstance(cause, HybridBenchError) else error


def _lost_too_often(error: Exception) -> HybridBenchError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = f" ({lines[0]})" if lines else ""
    return HybridBenchError(
        f"the workers that a part of the work was given to were lost {RETRIES + 1} times{why}",
        "They may have run out of memory: ask for fewer --workers. Run again: it goes on.",
    )
