"""The executor on a real cluster: order, bounded memory, and recovery from lost processes and machines."""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.plugin import UnknownNameError
from hybrid_bench_ray import RayExecutor
from hybrid_bench_ray.cluster import Allocation, alive, allocate

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster


class CountedItems:
    """An iterable that counts the items taken from it."""

    def __init__(self, count: int) -> None:
        self.count = 0
        self._all = count

    def __iter__(self) -> Iterator[int]:
        for number in range(self._all):
            self.count += 1
            yield number


def square(number: int) -> int:
    time.sleep(0.02 * (number % 3))  # so that later items finish first
    return number * number


def squares() -> Callable[[int], int]:
    return square


@pytest.mark.parametrize("stateful", [False, True])
def test_results_are_in_order_and_items_are_taken_lazily(executor: RayExecutor, stateful: bool) -> None:
    taken = CountedItems(30)
    results = executor.map_stateful(squares, taken) if stateful else executor.map(square, taken)
    assert taken.count == 0
    for number, result in enumerate(results):
        assert result == number * number
        assert taken.count <= number + 1 + 2 * 3
    assert taken.count == 30


def never() -> Callable[[int], int]:
    raise AssertionError("called without items")


def test_make_is_not_called_without_items(executor: RayExecutor) -> None:
    assert list(executor.map_stateful(never, [])) == []
    assert list(executor.map(square, [])) == []


def unknown(what: str, number: int = 0) -> Any:
    if what == "user":
        raise UnknownNameError("encoder", "me4", ["me5"])
    raise ZeroDivisionError("a defect")


def test_an_error_of_a_function_is_raised_unchanged(cluster: Cluster) -> None:
    executor = RayExecutor(workers=1, address=cluster.address)
    for failing in (
        lambda what: list(executor.map(functools.partial(unknown, what), range(9))),
        lambda what: list(executor.map_stateful(functools.partial(unknown, what), range(9))),
        lambda what: list(executor.map_stateful(lambda: functools.partial(unknown, what), range(9))),
    ):
        with pytest.raises(UnknownNameError) as caught:
            failing("user")
        assert str(caught.value) == "unknown encoder 'me4'\n  Did you mean me5?"
        assert caught.value.remedy == "Did you mean me5?"
    with pytest.raises(ZeroDivisionError, match="a defect"):
        list(executor.map(functools.partial(unknown, "defect"), range(3)))


def fatal(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_an_item_that_kills_every_worker_ends_the_job(cluster: Cluster) -> None:
    executor = RayExecutor(workers=1, address=cluster.address)
    with pytest.raises(HybridBenchError, match=r"were lost 4 times \(.*\n  .*reduce --workers\. Run the command again to resume"):
        list(executor.map_stateful(lambda: fatal, range(2)))


def slow_where(number: int) -> tuple[int, str]:
    import ray

    time.sleep(0.3)
    return number, ray.get_runtime_context().get_node_id()


def test_no_item_is_lost_with_a_machine(cluster: Cluster) -> None:
    """The job does not wait for a replacement: the three other workers process the items."""
    node = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    results = RayExecutor(workers=4, address=cluster.address).map_stateful(lambda: slow_where, range(40))
    found = []
    for result in results:
        found.append(result)
        if node and any(where == node.node_id for _, where in found):
            cluster.remove_node(node, allow_graceful=False)
            node = None
    assert node is None
    assert [number for number, _ in found] == list(range(40))
    assert len({where for _, where in found}) == 4


class OnGpu:
    device = "cuda"

    def __call__(self) -> Callable[[int], tuple[str, str]]:
        return visible_gpus


def visible_gpus(_: int) -> tuple[str, str]:
    import ray

    return ray.get_runtime_context().get_node_id(), os.environ.get("CUDA_VISIBLE_DEVICES", "all")


def test_only_workers_that_need_a_gpu_get_one(cluster: Cluster, executor: RayExecutor) -> None:
    """Ray allocates the GPUs that a node declares; this node has none, and nothing is computed on them."""
    with pytest.raises(HybridBenchError, match=r"no room for 3 workers: each needs a CPU and a GPU.*\n.*--device cpu"):
        list(executor.map_stateful(OnGpu(), range(3)))
    node = cluster.add_node(num_cpus=1, num_gpus=2, object_store_memory=100_000_000)
    try:
        anyone = RayExecutor(address=cluster.address)
        assert list(anyone.map_stateful(OnGpu(), range(1))) in ([(node.node_id, "0")], [(node.node_id, "1")])
        elsewhere = dict(anyone.map_stateful(lambda: visible_gpus, range(8)))
        assert elsewhere.pop(node.node_id, "") == ""
        assert set(elsewhere.values()) <= {"", "all"}  # Ray does not hide GPUs on a node without any
    finally:
        cluster.remove_node(node)


def test_waiting_for_a_busy_cluster_times_out(cluster: Cluster) -> None:
    import ray

    RayExecutor(address=cluster.address)
    busy = [ray.remote(num_cpus=1)(Busy).remote() for _ in range(3)]
    try:
        ray.get([one.ping.remote() for one in busy])
        executor = RayExecutor(address=cluster.address, timeout=1)
        with pytest.raises(HybridBenchError, match="the Ray cluster had no 1 CPUs free for a worker within 1 s\n  It is busy"):
            list(executor.map_stateful(squares, range(3)))
        with pytest.raises(HybridBenchError, match="the Ray cluster did not finish a search task within 1 s\n  It is busy"):
            list(executor.map(square, range(3)))
    finally:
        for one in busy:
            ray.kill(one)


class Busy:
    def ping(self) -> None:
        pass


def test_every_node_must_share_the_store(executor: RayExecutor, tmp_path: Path) -> None:
    executor.check_folder(tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []
    opened = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(HybridBenchError, match=rf"the Ray node .* does not share /proc/self/fd/{opened}\n  .*--store"):
        executor.check_folder(Path(f"/proc/self/fd/{opened}"))  # a folder that only this process can open
    os.close(opened)
    (tmp_path / "file").touch()
    with pytest.raises(HybridBenchError, match=r"cannot write to .*/file/store: Not a directory\n"):
        executor.check_folder(tmp_path / "file" / "store")


def test_a_node_that_is_lost_during_the_check_is_ignored(
    cluster: Cluster, executor: RayExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    listed = alive()
    assert node.node_id in {one["NodeID"] for one in listed}
    cluster.remove_node(node, allow_graceful=False)
    times = iter([listed])
    monkeypatch.setattr("hybrid_bench_ray.cluster.alive", lambda: next(times, None) or alive())
    executor.check_folder(tmp_path / "store")
    assert next(times, None) is None
    assert node.node_id not in {one["NodeID"] for one in alive()}


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("10.255.255.255:6379", r"is connected to the Ray cluster .*, not to 10\.255\.255\.255:6379"),
        ("nonsense", "is connected to the Ray cluster"),
    ],
)
def test_a_process_connects_to_one_cluster(executor: RayExecutor, address: str, problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        RayExecutor(address=address)


def test_zero_workers_are_an_error() -> None:
    with pytest.raises(HybridBenchError, match="the number of workers must be at least 1, not 0"):
        RayExecutor(workers=0)


@pytest.mark.parametrize(
    ("nodes", "workers", "gpu", "allocation"),
    [
        ([(16, 0)], None, False, Allocation(1, 16, 0)),
        ([(16, 0)], 3, False, Allocation(3, 5, 0)),
        ([(0, 0), (16, 0), (8, 0)], None, False, Allocation(2, 8, 0)),  # with 16, the smaller node would get no worker
        ([(16, 0), (8, 0)], 3, False, Allocation(3, 8, 0)),
        ([(16, 4), (64, 0)], None, True, Allocation(4, 4, 1)),
        ([(16, 4), (2, 4)], None, True, Allocation(6, 1, 1)),
        ([(16, 4)], 2, True, Allocation(2, 8, 1)),
    ],
)
def test_workers_get_equal_numbers_of_cpus(
    nodes: list[tuple[int, int]], workers: int | None, gpu: bool, allocation: tuple[int, int, int]
) -> None:
    assert allocate([{"CPU": cpus, "GPU": gpus} for cpus, gpus in nodes], workers, gpu) == allocation


@pytest.mark.parametrize(("nodes", "workers", "gpu"), [([(2, 0)], 3, False), ([(0, 0)], None, False), ([(2, 1)], 2, True)])
def test_a_cluster_without_room_is_an_error(nodes: list[tuple[int, int]], workers: int | None, gpu: bool) -> None:
    with pytest.raises(HybridBenchError, match="has no room for"):
        allocate([{"CPU": cpus, "GPU": gpus} for cpus, gpus in nodes], workers, gpu)
