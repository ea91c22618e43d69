"""``kill -9`` at random moments of encoding, searching and building an index: the final bytes are the same.

The children are forked, because starting an interpreter takes seconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import pytest

from hybrid_bench.embeddings.stored_collection import Collection
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.plugin import SilentProgress
from hybrid_bench.retrieval.streamed.faiss_index import FaissIndex
from hybrid_bench.retrieval.streamed.search import search
from tests.embeddings.test_store import contents
from tests.embeddings.whole_numbers import Table, encode, encoded, unit_rows

ROWS = unit_rows(4000, 32)
QUERIES = unit_rows(40, 32, seed=1)
SHARD = 16


class SlowTable(Table):
    """Takes a millisecond per shard, so that a kill can fall between two."""

    def encode(self, texts: object, role: object) -> np.ndarray:
        time.sleep(0.001)
        return super().encode(texts, role)  # type: ignore[arg-type]


def encode_all(folder: Path) -> None:
    encode(folder, SlowTable(ROWS), shard=SHARD)


def search_all(folder: Path) -> None:
    search(Collection(folder), QUERIES, 100, executor=LocalExecutor(1), save_every=0)


def build_graph(folder: Path) -> None:
    FaissIndex(Collection(folder), "hnsw", SilentProgress())


def build_clusters(folder: Path) -> None:
    FaissIndex(Collection(folder), "ivfpq", SilentProgress())


def kept(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if "lock" not in name}


def killed_after(seconds: float, work: Callable[[Path], None], folder: Path) -> bool:
    """Whether a child was killed before it finished the work."""
    child = os.fork()
    if child == 0:
        try:
            work(folder)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize(("work", "times"), [(encode_all, 20), (search_all, 15), (build_graph, 8), (build_clusters, 8)])
def test_51_kills_change_no_byte(tmp_path: Path, work: Callable[[Path], None], times: int) -> None:
    faiss.omp_set_num_threads(1)  # a forked child has none of its parent's threads
    lived, folder = tmp_path / "lived", tmp_path / "killed"
    if work is not encode_all:
        encoded(lived, Table(ROWS), shard=SHARD)
        shutil.copytree(lived, folder)
        before = set(kept(lived))
        work(shutil.copytree(lived, tmp_path / "warm"))  # compiled code is loaded before the time is taken
    else:
        before = set()
    start = time.perf_counter()
    work(lived)
    seconds = time.perf_counter() - start
    undisturbed = kept(lived)
    rng = np.random.default_rng(times)
    deaths = 0
    for _ in range(times):
        deaths += killed_after(rng.uniform(0, seconds * 0.7), work, folder)
        if work in (encode_all, search_all) and not any(name.endswith(".tmp") for name in kept(folder)):
            made = {name: content for name, content in kept(folder).items() if name not in before and "searches" not in name}
            assert made.items() <= undisturbed.items()
        if set(kept(folder)) == set(undisturbed):  # done: begin again
            shutil.rmtree(folder)
            if work is not encode_all:
                shutil.copytree(lived, folder, ignore=shutil.ignore_patterns("searches", "indexes"))
    assert deaths >= times // 2
    work(folder)
    assert kept(folder) == undisturbed
