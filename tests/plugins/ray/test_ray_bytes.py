"""Results from a cluster are byte-identical to those of one process, even if processes are killed."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from hybrid_bench import EvaluationOptions, Suite, evaluate, load_suite
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.execution.protocol import Executor
from hybrid_bench.plugin import Role
from hybrid_bench.retrieval.streamed.search import search
from hybrid_bench_ray import RayExecutor
from tests.conftest import Cli
from tests.embeddings.test_store import contents
from tests.embeddings.whole_numbers import Table, encode, encoded, unit_rows

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

ROWS = unit_rows(300, 16)


def files(folder: Path) -> dict[str, bytes]:
    """The files of a folder with their contents, except locks."""
    return {name: content for name, content in contents(folder).items() if "lock" not in name}


def die_once(marker: Path) -> None:
    """Kill the first process that calls this."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


class DiesOnce(Table):
    """An encoder whose process is killed once, in the middle of a shard."""

    def __init__(self, rows: np.ndarray, marker: Path) -> None:
        super().__init__(rows)
        self._marker = marker

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        if "150" in texts:
            die_once(self._marker)
        return super().encode(texts, role)


def test_a_killed_encoding_worker_does_not_change_the_bytes(executor: RayExecutor, tmp_path: Path) -> None:
    encode(tmp_path / "here", Table(ROWS), shard=16)
    encode(tmp_path / "there", DiesOnce(ROWS, tmp_path / "marker"), shard=16, workers=executor)
    assert (tmp_path / "marker").exists()
    assert files(tmp_path / "there") == files(tmp_path / "here")


DRIVER = """
    import sys, time
    from pathlib import Path
    from hybrid_bench_ray import RayExecutor
    from tests.embeddings.whole_numbers import Table, encode, unit_rows
    class Slow(Table):
        def encode(self, texts, role):
            time.sleep(0.3)
            return super().encode(texts, role)
    encode(Path(sys.argv[1]), Slow(unit_rows(300, 16)), shard=16, workers=RayExecutor(workers=1, address=sys.argv[2]))
"""


def test_a_killed_driver_is_resumed_with_and_without_the_cluster(cluster: Cluster, executor: RayExecutor, tmp_path: Path) -> None:
    """Finished shards are kept, and the result has the bytes of an uninterrupted run."""
    encode(tmp_path / "uninterrupted", Table(ROWS), shard=16)
    command = [sys.executable, "-c", textwrap.dedent(DRIVER), str(tmp_path / "killed"), cluster.address]
    driver = subprocess.Popen(command, cwd=Path(__file__).parents[3])
    while driver.poll() is None and not (tmp_path / "killed" / "0000002.safetensors").exists():
        time.sleep(0.02)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    shutil.copytree(tmp_path / "killed", tmp_path / "there")
    for folder, workers in (("killed", LocalExecutor()), ("there", executor)):
        encoder = Table(ROWS)
        assert not (tmp_path / folder / "manifest.json").exists()
        encode(tmp_path / folder, encoder, shard=16, workers=workers)
        assert files(tmp_path / folder) == files(tmp_path / "uninterrupted")
        assert encoder.shards <= 16  # of 19


class KillsFirstTask:
    """An executor whose first task is killed."""

    def __init__(self, executor: Executor, marker: Path) -> None:
        self._executor = executor
        self._marker = marker

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        marker = self._marker

        def dies_once(item: Any) -> Any:
            result = function(item)
            die_once(marker)
            return result

        return self._executor.map(dies_once, items)

    def map_stateful(self, make: Callable[[], Callable[[Any], Any]], items: Iterable[Any]) -> Iterator[Any]:
        return self._executor.map_stateful(make, items)

    def check_folder(self, folder: Path) -> None:
        self._executor.check_folder(folder)


def test_a_killed_search_task_does_not_change_the_bytes(executor: RayExecutor, tmp_path: Path) -> None:
    collection = encoded(tmp_path / "collection", Table(ROWS), shard=4)
    queries = unit_rows(40, 16, seed=1)
    here = list(search(collection, queries, 50, executor=LocalExecutor()).top_lists())
    searched = files(collection.folder / "searches")
    for path in (collection.folder / "searches").iterdir():
        path.unlink()
    there = list(search(collection, queries, 50, executor=KillsFirstTask(executor, tmp_path / "marker")).top_lists())
    assert (tmp_path / "marker").exists()
    assert files(collection.folder / "searches") == searched
    np.testing.assert_array_equal(there[0].scores, here[0].scores)
    np.testing.assert_array_equal(there[0].numbers, here[0].numbers)


@pytest.fixture(scope="module")
def mini() -> Suite:
    return dataclasses.replace(load_suite("mini").restrict(["de", "en"]), large=True)


def test_an_evaluation_is_byte_identical(executor: RayExecutor, mini: Suite, tmp_path: Path) -> None:
    """With an encoder that each worker loads by name, and the runs of every setting.

    The workers have one thread each, and on some CPUs the vectors of this encoder depend on the number of threads.
    """
    results = {}
    for name, address in (("local", None), ("ray", "auto")):
        options = EvaluationOptions(
            store=tmp_path / name / "store", executor=name, address=address, results=tmp_path / name / "results"
        )
        with threadpool_limits(limits=1):
            result = evaluate("use-multilingual", mini, options=options)
        results[name] = result.model_copy(update={"timings": {}}).to_json()
    assert results["ray"] == results["local"]
    assert files(tmp_path / "ray") == files(tmp_path / "local")
    assert sum(name.endswith(".gz") for name in files(tmp_path / "ray")) == 6


def test_a_suite_that_is_not_large_is_searched_on_the_cluster(executor: RayExecutor) -> None:
    results = [
        evaluate("use-multilingual", "mini", options=EvaluationOptions(("en",), executor=name)) for name in ("local", "ray")
    ]
    here, there = (result.model_copy(update={"timings": {}}).to_json() for result in results)
    assert here == there


def test_the_command_line_starts_a_local_cluster(cli: Cli, tmp_path: Path, shared: Path) -> None:
    suite = shared / "collections" / "miracl-judged" / "sw"
    here = cli("encode", "tiny", "--suite", suite, "--store", "here")
    there = cli("encode", "tiny", "--suite", suite, "--store", "there", "--executor", "ray", "--workers", "2")
    assert (here.returncode, there.returncode) == (0, 0), there.stderr
    assert there.stdout == here.stdout.replace("/here/", "/there/")
    assert files(tmp_path / "there") == files(tmp_path / "here")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "the Ray cluster '127.0.0.1:1' does not answer: [Errno 111] Connection refused\n  Start a cluster with"),
        (
            "ray://there:10001",
            "the address 'ray://there:10001' is for the Ray client, which is not supported\n  Run on a machine",
        ),
        ("there", "'there' is not the address of a Ray cluster\n  Use host:port"),
    ],
)
def test_an_unreachable_cluster_is_an_error_of_two_lines(cli: Cli, address: str, message: str) -> None:
    ended = cli("encode", "tiny", "--suite", "mini", "--executor", "ray", "--address", address)
    assert ended.returncode == 2
    assert ended.stdout == ""
    description, error = ended.stderr.split("\n", 1)
    assert description.startswith("tiny: ")
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 2
