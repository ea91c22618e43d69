"""Interrupted and concurrent writers, and full disks: the store ends up with the same bytes."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench.embeddings.store import EmbeddingStore
from tests.embeddings.encoders import TEXTS, Counting, Slow
from tests.embeddings.test_store import SHARD, contents

#: Seconds per text: all 70 take a little more than half a second, a shard a little more than 0.1.
PACE = 0.008

ROOT = Path(__file__).parents[2]

FILL = f"""
    import sys
    from pathlib import Path
    from hybrid_bench.embeddings.store import EmbeddingStore
    from tests.embeddings.encoders import TEXTS, Slow
    store, log, waited = map(Path, sys.argv[1:4])
    encoder = Slow(float(sys.argv[4]), log)
    print("ready", flush=True)
    sys.stdin.readline()
    EmbeddingStore(store, {SHARD}).vectors(encoder, "query", TEXTS, on_wait=lambda folder: waited.touch())
"""


def run(program: str, store: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in another process, on a store."""
    command = [sys.executable, "-c", textwrap.dedent(program), str(store)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


class Writer:
    """A process that starts to fill a store on a signal."""

    def __init__(self, store: Path, log: Path, waited: Path, pace: float = PACE) -> None:
        command = [sys.executable, "-c", textwrap.dedent(FILL), str(store), str(log), str(waited), str(pace)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def go(self) -> Writer:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self

    def wait(self) -> int:
        """Its return code."""
        self.process.communicate()
        return self.process.returncode


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a store whose writer was not interrupted."""
    folder = tmp_path_factory.mktemp("undisturbed")
    EmbeddingStore(folder, SHARD).vectors(Slow(0), "query", TEXTS)
    return contents(folder)


@pytest.mark.parametrize("seed", range(4))
def test_a_store_is_the_same_after_its_writers_were_killed(tmp_path: Path, undisturbed: dict[str, bytes], seed: int) -> None:
    """Each is killed at a random moment and must leave only valid shards."""
    rng = np.random.default_rng(seed)
    store, log, waited = tmp_path / "store", tmp_path / "log", tmp_path / "waited"
    for _ in range(3):
        writer = Writer(store, log, waited).go()
        time.sleep(rng.uniform(0.005, PACE * len(TEXTS) * 0.6))
        writer.process.send_signal(signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        sound = {name: content for name, content in contents(store).items() if not name.endswith(".tmp")}
        assert sound.items() <= undisturbed.items()
    assert Writer(store, log, waited).go().wait() == 0
    assert contents(store) == undisturbed
    assert not waited.exists()


def test_a_writer_killed_in_the_middle_of_a_file_leaves_only_a_temporary_one(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    program = f"""
        import os, signal, sys
        from pathlib import Path
        from hybrid_bench.embeddings.store import EmbeddingStore
        from tests.embeddings.encoders import TEXTS, Slow
        synced = os.fsync
        def kill_in_the_third(file, seen=[]):
            seen.append(file)
            if len(seen) == 3:
                os.ftruncate(file, 100)
                os.kill(os.getpid(), signal.SIGKILL)
            synced(file)
        os.fsync = kill_in_the_third
        EmbeddingStore(Path(sys.argv[1]), {SHARD}).vectors(Slow(0), "query", TEXTS)
    """
    assert run(program, tmp_path).returncode == -signal.SIGKILL
    left = contents(tmp_path)
    (leftover,) = (name for name in left if name.endswith(".tmp"))
    assert len(left[leftover]) == 100
    assert sorted(name.partition("/")[2] for name in left if name != leftover) == ["000000000.safetensors", "key.json"]
    encoder = Counting()
    EmbeddingStore(tmp_path, SHARD).vectors(encoder, "query", TEXTS)
    assert len(encoder.calls) == 4
    assert contents(tmp_path) == undisturbed


def test_two_processes_at_once_encode_each_shard_once_and_one_waits(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    store = tmp_path / "store"
    places = [(store, tmp_path / f"log{number}", tmp_path / f"waited{number}") for number in range(2)]
    writers = [Writer(*place, pace=0.02) for place in places]
    for writer in writers:
        writer.go()
    assert [writer.wait() for writer in writers] == [0, 0]
    encoded = [text for _, log, _ in places if log.exists() for text in log.read_text().splitlines()]
    assert sorted(encoded) == sorted(TEXTS[::SHARD])
    assert sum(waited.exists() for _, _, waited in places) == 1
    assert contents(store) == undisturbed


def test_a_full_disk_is_an_error_with_a_remedy_and_the_store_resumes(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    """The operating system limits the file size, in another process."""
    program = f"""
        import resource, signal, sys
        from pathlib import Path
        from hybrid_bench import HybridBenchError
        from hybrid_bench.embeddings.store import EmbeddingStore
        from tests.embeddings.encoders import TEXTS, Slow
        store = EmbeddingStore(Path(sys.argv[1]), {SHARD})
        def fill_up(done, filled=[]):
            filled.append(done)
            if len(filled) == 2:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY))
        try:
            store.vectors(Slow(0), "query", TEXTS, progress=fill_up)
        except HybridBenchError as error:
            sys.exit(str(error))
    """
    done = run(program, tmp_path)
    assert done.returncode == 1
    problem, remedy = done.stderr.splitlines()
    assert problem == f"cannot write vectors to {next(tmp_path.iterdir())}: File too large"
    assert remedy == (
        "  What was written stays. Make room, or choose another folder with --store or HYBRID_BENCH_HOME, and run again."
    )
    left = contents(tmp_path)
    assert len(left) == 3
    assert left.items() < undisturbed.items()
    encoder = Counting()
    EmbeddingStore(tmp_path, SHARD).vectors(encoder, "query", TEXTS)
    assert [texts[0] for _, texts in encoder.calls] == TEXTS[::SHARD][2:]
    assert contents(tmp_path) == undisturbed


def test_other_errors_of_the_operating_system_are_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    class Unplugged(Slow):
        def encode(self, texts: object, role: object) -> np.ndarray:
            raise ConnectionResetError("the accelerator is gone")

    with pytest.raises(ConnectionResetError):
        EmbeddingStore(tmp_path).vectors(Unplugged(0), "query", TEXTS)
