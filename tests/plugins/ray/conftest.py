"""One real cluster for all tests: three nodes with one CPU each, on this machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hybrid_bench_ray import RayExecutor

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="hb-ray-", dir="/tmp")  # a socket address has at most 107 characters
    os.environ["RAY_TMPDIR"] = folder
    (Path(folder) / "ray").mkdir()
    # Workers import the functions of tests by pytest's module names.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[3])])
    node = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    for _ in range(2):
        cluster.add_node(**node)
    yield cluster
    import ray

    ray.shutdown()
    cluster.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def executor(cluster: Cluster) -> RayExecutor:
    return RayExecutor(workers=3, address=cluster.address)
