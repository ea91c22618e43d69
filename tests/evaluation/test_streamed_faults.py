"""Commands that are killed or fill the disk: run again, they end with the same bytes as an undisturbed one.

The children are forked, with an encoder that has computed its vectors already, so that little time goes into loading.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import Result
from hybrid_bench.cli.main import main
from hybrid_bench.datasets.sources import beir_folder
from hybrid_bench.embeddings.stored_collection import Collection
from hybrid_bench.encoders.load import REGISTRY
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.plugin import SilentProgress
from hybrid_bench.retrieval.streamed.faiss_index import FaissIndex
from hybrid_bench.retrieval.streamed.search import search
from tests.embeddings.test_store import contents
from tests.embeddings.whole_numbers import Table, encoded, unit_rows
from tests.evaluation.test_evaluate import WholeNumbers


@pytest.fixture
def suite(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two languages of real passages, treated as large; and the encoder ``whole-numbers``."""
    for language in ("sw", "yo"):
        (tmp_path / "pool" / language).parent.mkdir(exist_ok=True)
        (tmp_path / "pool" / language).symlink_to(shared / "collections" / "miracl-judged" / language)
    encoder = WholeNumbers()
    monkeypatch.setattr(beir_folder, "LARGE_BYTES", 0)
    monkeypatch.setitem(REGISTRY._added, "whole-numbers", lambda **_: encoder)
    return tmp_path / "pool"


def evaluate_in(folder: Path, suite: Path, depth: int = 100) -> None:
    """The command, with everything that it writes in one folder."""
    os.environ["HYBRID_BENCH_HOME"] = str(folder / "home")
    sys.argv = ["hybrid-bench", "evaluate", "whole-numbers", "--suite", str(suite), "--out", str(folder / "results")]
    sys.argv += ["--run-depth", str(depth)]
    main()


def child(work: Callable[[], None], seconds: float | None = None, errors: Path | None = None) -> int:
    """The exit status of a process that does the work, or is killed after some seconds."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            os.dup2(os.open(errors or os.devnull, os.O_WRONLY | os.O_CREAT), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
            work()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            sys.stderr.flush()
            os._exit(status)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def made(folder: Path) -> dict[str, bytes]:
    """All files but locks; the result without its timings."""
    files = {name: content for name, content in contents(folder).items() if "lock" not in Path(name).name}
    for path in (folder / "results").rglob("*.json"):
        result = Result.read(path).model_copy(update={"timings": {}})
        files[str(path.relative_to(folder))] = result.to_json().encode()
    return files


def test_an_evaluation_killed_again_and_again_ends_with_the_same_bytes(suite: Path, tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    assert child(lambda: evaluate_in(tmp_path / "warm", suite)) == 0
    start = time.perf_counter()
    assert child(lambda: evaluate_in(whole, suite)) == 0
    seconds = time.perf_counter() - start
    undisturbed = made(whole)
    assert sum(name.endswith(".trec.gz") for name in undisturbed) == 4
    rng = np.random.default_rng(0)
    killed = 0
    for _ in range(5):
        killed += child(lambda: evaluate_in(folder, suite), rng.uniform(0.05, seconds)) == -signal.SIGKILL
        if (folder / "results").exists() and list((folder / "results").rglob("*.json")):
            assert undisturbed.items() <= made(folder).items()
            shutil.rmtree(folder)
    assert killed >= 3
    assert child(lambda: evaluate_in(folder, suite)) == 0
    assert made(folder) == undisturbed


def full_after(limit: int) -> None:
    """Let the operating system refuse to write files beyond a size."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def test_a_full_disk_ends_a_command_with_status_2_and_it_resumes_afterwards(suite: Path, tmp_path: Path) -> None:
    folder, errors = tmp_path / "full", tmp_path / "errors"

    def full() -> None:
        full_after(400_000)  # shards of 2,048 passages fit, the lists of 600 queries to depth 1,000 do not
        evaluate_in(folder, suite, 1000)

    assert child(full, errors=errors) == 2
    problem, remedy = [line for line in errors.read_text().splitlines() if "rror" in line or "Make room" in line]
    assert problem.startswith("error: cannot write search results to ")
    assert problem.endswith(": File too large")
    assert remedy.strip().startswith("What was written stays. Make room")
    kept = made(folder)
    assert child(lambda: evaluate_in(folder, suite, 1000)) == 0
    assert kept.items() <= made(folder).items()
    assert child(lambda: evaluate_in(tmp_path / "whole", suite, 1000)) == 0
    assert made(folder) == made(tmp_path / "whole")


@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivfpq"])
def test_a_full_disk_while_an_index_is_written_leaves_none(tmp_path: Path, kind: str) -> None:
    rows = unit_rows(2000, 32)
    collection, errors = encoded(tmp_path / "collection", Table(rows), shard=256), tmp_path / "errors"
    search(collection, rows[:5], 10, executor=LocalExecutor(1))
    before = contents(collection.folder)

    def full() -> None:
        import faiss

        from hybrid_bench import HybridBenchError

        faiss.omp_set_num_threads(1)  # a forked child has none of its parent's threads
        full_after(20_000)
        try:
            FaissIndex(Collection(collection.folder), kind, SilentProgress())
        except HybridBenchError as error:
            sys.stderr.write(str(error))
            sys.exit(2)

    assert child(full, errors=errors) == 2
    assert f"cannot write an index to {collection.folder / 'indexes'}: File too large\n  What was " in errors.read_text()
    assert {name: content for name, content in contents(collection.folder).items() if "indexes" not in name} == before
    FaissIndex(collection, kind, SilentProgress())
    assert sorted(path.name for path in (collection.folder / "indexes").iterdir()) == [f"{kind}.faiss", f"{kind}.json", "lock"]
