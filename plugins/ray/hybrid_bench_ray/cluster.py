"""The cluster: an existing one, or one of this machine alone that ends with this process."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hybrid_bench import HybridBenchError

#: Characters of the folder in which Ray keeps its sockets: they add 62 of their own, and an address holds 107.
_SHORT = 40

_CLUSTERS = (
    "Start a cluster with `ray start --head`, look at it with `ray status`, or leave --address out for one of this machine."
)


def connect(address: str | None, workers: int | None) -> None:
    """Connect this process to a cluster, once.

    Args:
        address: ``host:port``, or ``auto`` for the cluster that this machine is in. Without it, that of ``RAY_ADDRESS``, or a
            cluster of this machine alone.
        workers: that a cluster of this machine alone has to have room for.

    Raises:
        HybridBenchError: if there is no cluster at the address, or none can be started.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read by Ray when it starts: nothing is reported to anyone
    # Ray means to let workers without a GPU see all of them. They shall see none: what computes where is stated.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
    import ray

    address = address or os.environ.get("RAY_ADDRESS")
    if ray.is_initialized():
        _check_same(address, ray.get_runtime_context().gcs_address)
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address is None:
            _start(workers, quiet)
        else:
            _check_reachable(address)
            ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError, SystemExit) as error:
        # SystemExit: that is how Ray ends a program whose cluster does not answer.
        what = f"the Ray cluster {address!r} does not answer" if address else "no Ray cluster can be started here"
        said = "" if isinstance(error, SystemExit) else f": {str(error).strip().splitlines()[0]}"
        raise HybridBenchError(what + said, _CLUSTERS) from error


def _start(workers: int | None, quiet: Mapping[str, Any]) -> None:
    import ray

    place = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="hb-ray-", dir=place if len(place) <= _SHORT else "/tmp")  # noqa: S108  # mkdtemp's is ours

    def end() -> None:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ray.init(address="local", num_cpus=max(processors, workers or 1), include_dashboard=False, _temp_dir=folder, **quiet)


def _check_reachable(address: str) -> None:
    """Ray itself tries for minutes, and then ends the program."""
    if "://" in address:
        raise HybridBenchError(
            f"the address {address!r} is of a Ray client, which is not supported",
            "Run on a machine of the cluster with --address auto, or hand the command to `ray job submit`.",
        )
    host, _, port = address.rpartition(":")
    if not host and address in ("auto", "local"):
        return
    if not host or not port.isdigit():
        raise HybridBenchError(
            f"{address!r} is not the address of a Ray cluster", "Give host:port (as `ray start` says) or auto."
        )
    with socket.create_connection((host.strip("[]"), int(port)), timeout=10):
        pass


def _check_same(asked: str | None, connected: str) -> None:
    if asked not in (None, "auto", "local") and asked.rpartition(":")[2] != connected.rpartition(":")[2]:
        raise HybridBenchError(f"this process works on the Ray cluster {connected} already, not on {asked}", "Use one of them.")


class Share(NamedTuple):
    """What the workers of a job get.

    Attributes:
        workers: how many.
        cpus: of each, which are its threads.
        gpus: of each, 0 or 1.
    """

    workers: int
    cpus: int
    gpus: int


def alive() -> list[dict[str, Any]]:
    """Ray's records of the nodes that are up."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()
    return [node for node in nodes if node["Alive"]]


def divide(nodes: Sequence[Mapping[str, float]], workers: int | None, gpu: bool) -> Share:
    """As many processors for each worker as all can have.

    Args:
        nodes: the resources of each node, as Ray names them: ``CPU``, ``GPU``.
        workers: how many; by default one for each GPU, or one for each node where no GPU is needed.
        gpu: whether each needs one.

    Raises:
        HybridBenchError: if the cluster has no room for them.
    """
    rooms = [(int(node.get("CPU", 0)), int(node.get("GPU", 0))) for node in nodes]
    usable = [(cpus, gpus) for cpus, gpus in rooms if cpus and (gpus or not gpu)]

    def room_for(cpus: int) -> int:
        return sum(min(node_cpus // cpus, node_gpus) if gpu else node_cpus // cpus for node_cpus, node_gpus in usable)

    most = sum(min(room) for room in usable) if gpu else len(usable)
    wanted = workers or max(1, most)
    for cpus in range(max((cpus for cpus, _ in usable), default=0), 0, -1):
        if room_for(cpus) >= wanted:
            return Share(wanted, cpus, int(gpu))
    need = "a CPU and a GPU" if gpu else "a CPU"
    raise HybridBenchError(
        f"the Ray cluster has no room for {wanted} workers: each needs {need}, and there is room for {room_for(1)}",
        "Ask for fewer --workers, or add machines." + (" Encoding without a GPU: --device cpu." if gpu else ""),
    )


def check_folder(folder: Path) -> None:
    """Raise HybridBenchError if a node does not see what this process writes into a folder, or has other software.

    A node that is lost while it is asked is no reason: nothing will run on it.
    """
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from hybrid_bench_ray import at_work

    look = ray.remote(num_cpus=0, max_retries=1)(at_work.look)
    here = at_work.software()
    with _shown_file(folder) as (path, token):
        asked = {
            (node["NodeID"], node["NodeManagerAddress"]): look.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(path)
            for node in alive()
        }
        for (node_id, name), answer in asked.items():
            try:
                seen, there = ray.get(answer, timeout=_ANSWERS)
            except RayError as error:
                if node_id not in {node["NodeID"] for node in alive()}:
                    continue
                raise HybridBenchError(
                    f"the Ray node {name} cannot work for this process: {_why(error)}",
                    "Install the same hybrid-bench, plugins and Python on all nodes.",
                ) from error
            if there != here:
                differing = ", ".join(f"{what} {there[what]}, here {here[what]}" for what in here if there[what] != here[what])
                raise HybridBenchError(f"the Ray node {name} has other software: {differing}", "Install the same on all nodes.")
            if seen != token:
                raise HybridBenchError(
                    f"the Ray node {name} does not see {folder}", "Name a folder of a file system that all nodes share: --store."
                )


@contextlib.contextmanager
def _shown_file(folder: Path) -> Iterator[tuple[str, bytes]]:
    """A file with a content that nobody can know who does not see it."""
    token = os.urandom(16)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=folder, prefix=".seen-by-all.", suffix=".tmp")  # noqa: SIM115  # below
        file.write(token)
        file.flush()
    except OSError as error:
        raise HybridBenchError(f"cannot write to {folder}: {error.strerror}", "Choose another folder with --store.") from error
    with file:
        yield file.name, token


#: Seconds for a node to start a process and to answer.
_ANSWERS = 300


def _why(error: Exception) -> str:
    """The last line of what Ray says, where the cause stands."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
