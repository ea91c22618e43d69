"""Connection to a Ray cluster: an existing one, or a local one that ends with this process."""

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

#: Longest usable temporary folder, in characters: Ray's socket names add 62, and a socket address has at most 107.
_MAX_FOLDER = 40

_CLUSTER_HELP = "Start a cluster with `ray start --head`, check it with `ray status`, or omit --address to use this machine only."


def connect(address: str | None, workers: int | None) -> None:
    """Connect this process to a cluster, unless it is connected.

    Args:
        address: ``host:port``, or ``auto`` for the cluster of this machine. None: the address in ``RAY_ADDRESS``, or a new
            local cluster.
        workers: minimum number of CPU slots of a new local cluster.

    Raises:
        HybridBenchError: if there is no cluster at the address, or no cluster can be started.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when Ray starts; disables usage reports
    # By default Ray lets workers without a GPU see all GPUs. Here they see none.
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
        # Ray raises SystemExit if the cluster does not answer.
        what = f"the Ray cluster {address!r} does not answer" if address else "cannot start a Ray cluster on this machine"
        reason = "" if isinstance(error, SystemExit) else f": {str(error).strip().splitlines()[0]}"
        raise HybridBenchError(what + reason, _CLUSTER_HELP) from error


def _start(workers: int | None, quiet: Mapping[str, Any]) -> None:
    import ray

    parent = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="hb-ray-", dir=parent if len(parent) <= _MAX_FOLDER else "/tmp")  # noqa: S108  # mkdtemp is safe

    def end() -> None:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ray.init(address="local", num_cpus=max(processors, workers or 1), include_dashboard=False, _temp_dir=folder, **quiet)


def _check_reachable(address: str) -> None:
    """Raise an error early: Ray itself retries for minutes and then exits."""
    if "://" in address:
        raise HybridBenchError(
            f"the address {address!r} is for the Ray client, which is not supported",
            "Run on a machine of the cluster with --address auto, or submit the command with `ray job submit`.",
        )
    host, _, port = address.rpartition(":")
    if not host and address in ("auto", "local"):
        return
    if not host or not port.isdigit():
        raise HybridBenchError(
            f"{address!r} is not the address of a Ray cluster", "Use host:port (printed by `ray start`) or auto."
        )
    with socket.create_connection((host.strip("[]"), int(port)), timeout=10):
        pass


def _check_same(asked: str | None, connected: str) -> None:
    if asked not in (None, "auto", "local") and asked.rpartition(":")[2] != connected.rpartition(":")[2]:
        raise HybridBenchError(
            f"this process is connected to the Ray cluster {connected}, not to {asked}", "Use one cluster per process."
        )


class Allocation(NamedTuple):
    """Resources of the workers of a job.

    Attributes:
        workers: number of workers.
        cpus: CPUs, and so threads, per worker.
        gpus: GPUs per worker, 0 or 1.
    """

    workers: int
    cpus: int
    gpus: int


def alive() -> list[dict[str, Any]]:
    """Ray's records of the live nodes."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()
    return [node for node in nodes if node["Alive"]]


def allocate(nodes: Sequence[Mapping[str, float]], workers: int | None, gpu: bool) -> Allocation:
    """Give each worker the largest number of CPUs that all workers can have.

    Args:
        nodes: resources of each node, by Ray's names ``CPU`` and ``GPU``.
        workers: number of workers; by default one per GPU if ``gpu``, else one per node.
        gpu: whether each worker needs a GPU.

    Raises:
        HybridBenchError: if the cluster has too few resources.
    """
    resources = [(int(node.get("CPU", 0)), int(node.get("GPU", 0))) for node in nodes]
    usable = [(cpus, gpus) for cpus, gpus in resources if cpus and (gpus or not gpu)]

    def capacity(cpus: int) -> int:
        return sum(min(node_cpus // cpus, node_gpus) if gpu else node_cpus // cpus for node_cpus, node_gpus in usable)

    default = sum(min(node) for node in usable) if gpu else len(usable)
    wanted = workers or max(1, default)
    for cpus in range(max((cpus for cpus, _ in usable), default=0), 0, -1):
        if capacity(cpus) >= wanted:
            return Allocation(wanted, cpus, int(gpu))
    need = "a CPU and a GPU" if gpu else "a CPU"
    raise HybridBenchError(
        f"the Ray cluster has no room for {wanted} workers: each needs {need}, and at most {capacity(1)} fit",
        "Reduce --workers or add machines." + (" To encode without a GPU: --device cpu." if gpu else ""),
    )


def check_folder(folder: Path) -> None:
    """Raise HybridBenchError if a node does not share a folder with this process, or has other software versions.

    Nodes that are lost during the check are ignored.
    """
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from hybrid_bench_ray import worker

    probe = ray.remote(num_cpus=0, max_retries=1)(worker.probe)
    here = worker.software()
    with _probe_file(folder) as (path, token):
        answers = {
            (node["NodeID"], node["NodeManagerAddress"]): probe.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(path)
            for node in alive()
        }
        for (node_id, name), answer in answers.items():
            try:
                content, there = ray.get(answer, timeout=_PROBE_TIMEOUT)
            except RayError as error:
                if node_id not in {node["NodeID"] for node in alive()}:
                    continue
                raise HybridBenchError(
                    f"the Ray node {name} cannot run tasks of this process: {_reason(error)}",
                    "Install the same versions of Python, hybrid-bench and plugins on all nodes.",
                ) from error
            if there != here:
                differing = ", ".join(f"{what} {there[what]}, here {here[what]}" for what in here if there[what] != here[what])
                raise HybridBenchError(
                    f"the Ray node {name} has other versions: {differing}", "Install the same versions on all nodes."
                )
            if content != token:
                raise HybridBenchError(
                    f"the Ray node {name} does not share {folder}",
                    "Choose a folder on a file system that all nodes share: --store.",
                )


@contextlib.contextmanager
def _probe_file(folder: Path) -> Iterator[tuple[str, bytes]]:
    """A temporary file with random content, to check that a node reads the same folder."""
    token = os.urandom(16)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=folder, prefix=".seen-by-all.", suffix=".tmp")  # noqa: SIM115  # closed below
        file.write(token)
        file.flush()
    except OSError as error:
        raise HybridBenchError(f"cannot write to {folder}: {error.strerror}", "Choose another folder with --store.") from error
    with file:
        yield file.name, token


#: Seconds for a node to start a process and answer.
_PROBE_TIMEOUT = 300


def _reason(error: Exception) -> str:
    """The last line of Ray's message, which states the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
