"""Full disks, closed outputs, other encodings, and caches that cannot be written to: one clear error, and nothing left behind."""

from __future__ import annotations

import ctypes
import io
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hybrid_bench.cli import console, streams
from hybrid_bench.errors import HybridBenchError
from tests.conftest import Cli

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_distribution: Path) -> Path:
    """A folder with results, runs and a cache of ``tiny`` on two languages of ``mini``."""
    folder = tmp_path_factory.mktemp("made")
    words = ["evaluate", "tiny", "--languages", "de,en", "--runs", "runs"]
    process(folder, tiny_distribution)(*words, check=True)
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path, tiny_distribution: Path) -> Run:
    """Run a command in a copy of ``made``."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return process(tmp_path, tiny_distribution)


def process(folder: Path, distribution: Path) -> Run:
    """Runs commands in a folder, whose ``home`` is their cache."""

    def at(*words: str, env: dict[str, str] | None = None, **options: object) -> subprocess.CompletedProcess[bytes]:
        path = os.pathsep.join(filter(None, (str(distribution), os.environ.get("PYTHONPATH"))))
        return subprocess.run(
            [sys.executable, "-m", "hybrid_bench", *words],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path, "HYBRID_BENCH_HOME": str(folder / "home")} | (env or {}),
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,  # type: ignore[arg-type]
        )

    return at


def is_one_clear_error(done: subprocess.CompletedProcess[bytes], problem: str) -> bool:
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith(("error", "Traceback", "  ", "Exception"))]
    return done.returncode == 2 and len(lines) == 2 and lines[0].startswith("error: ") and problem in lines[0]


def leftovers(folder: Path) -> list[str]:
    return [str(path) for pattern in ("*tmp", "*unfinished*", "*partial*") for path in folder.rglob(pattern)]


@pytest.mark.parametrize(
    ("kilobytes", "words"),
    [
        (1, "evaluate tiny --languages de --out new --store new"),
        (2, "evaluate tiny --languages de,en --out new"),
        (1, "evaluate tiny --languages de,en --out new --runs new/runs"),
        (0, "fuse runs runs --runs-out new"),
        (1, "fuse runs runs --suite mini --out new"),
        (4, "submit pack tiny --org org --suite mini --out new --vectors-out new"),
    ],
)
def test_a_full_disk(run: Run, tmp_path: Path, kilobytes: int, words: str) -> None:
    """The largest size of a file stands for the size of the disk: writing fails in the same calls."""
    limit = (kilobytes << 10, resource.RLIM_INFINITY)
    done = run(*words.split(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert is_one_clear_error(done, "File too large"), done.stderr.decode()
    assert b"disk" in done.stderr or b"Make room" in done.stderr
    assert leftovers(tmp_path) == []


LONG = (
    "results show results/mini+de+en/tiny.json --long",
    "datasets export mini/ru/ru docs",
    "datasets list",
    "suites",
    "--help",
)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", LONG)
def test_output_that_does_not_fit_is_an_error(run: Run, tmp_path: Path, words: str, unbuffered: str) -> None:
    with (tmp_path / "out").open("wb") as out:
        size = (1024, resource.RLIM_INFINITY)
        env = {"PYTHONUNBUFFERED": unbuffered}
        done = run(*words.split(), env=env, stdout=out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, size))
    assert is_one_clear_error(done, "File too large"), done.stderr.decode()
    with Path("/dev/full").open("wb") as full:
        done = run(*words.split(), stdout=full)
    assert is_one_clear_error(done, "No space left on device"), done.stderr.decode()


@pytest.mark.parametrize("words", LONG[:3])
def test_a_closed_standard_output_is_an_error(run: Run, words: str) -> None:
    done = run(*words.split(), stdout=None, preexec_fn=lambda: os.close(1))
    assert is_one_clear_error(done, "cannot write to standard output: it is closed"), done.stderr.decode()


def test_a_result_is_written_where_standard_streams_are_closed(run: Run, tmp_path: Path) -> None:
    def close() -> None:
        for number in range(3):
            os.close(number)

    done = run("evaluate", "tiny", "--languages", "de", "--out", "new", stdin=None, stdout=None, stderr=None, preexec_fn=close)
    assert done.returncode == 2
    assert (tmp_path / "new" / "mini+de" / "tiny.json").read_bytes().startswith(b"{")


@pytest.mark.parametrize("env", [
    {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}, {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
], ids=["cp1252", "ascii", "C"])  # fmt: skip
@pytest.mark.parametrize("words", ["datasets export mini/ru/ru docs", "results show results/mini+de+en/tiny.json"])
def test_output_is_utf_8_everywhere(run: Run, words: str, env: dict[str, str]) -> None:
    done = run(*words.split(), env=env)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == run(*words.split()).stdout
    assert done.stdout.decode()


def test_a_lone_surrogate_is_an_error_in_data_and_an_escape_in_messages(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    console.remark("a\ud800")
    assert capfd.readouterr().err == "a\\ud800\n"
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    with pytest.raises(HybridBenchError, match=r"UTF-8 does not have: '\\ud800'"):
        streams.write("a\ud800")


def without_override() -> None:
    """Let permissions hold for root too, as on a read-only file system or in a folder of another user."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            if libc.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
                raise OSError(ctypes.get_errno(), "prctl")


@pytest.fixture
def read_only(tmp_path: Path, run: Run) -> Path:
    """The cache, which holds every vector of ``tiny`` on ``mini`` in two languages, without permission to write."""
    home = tmp_path / "home"
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return home


@pytest.mark.usefixtures("read_only")
def test_a_cache_that_has_everything_need_not_be_writable(run: Run, tmp_path: Path) -> None:
    done = run("evaluate", "tiny", "--languages", "de,en", "--out", "new", preexec_fn=without_override)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "new" / "mini+de+en" / "tiny.json").is_file()


@pytest.mark.usefixtures("read_only")
def test_what_a_cache_lacks_that_cannot_be_written_to_is_an_error(run: Run, tmp_path: Path) -> None:
    done = run("evaluate", "tiny", "--languages", "th", "--out", "new", preexec_fn=without_override)
    assert is_one_clear_error(done, "Permission denied"), done.stderr.decode()
    assert b"HYBRID_BENCH_HOME" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_store_that_cannot_be_written_to_is_searched(run: Run, tmp_path: Path) -> None:
    assert run("encode", "tiny", "--suite", "mini", "--languages", "de", "--store", "store").returncode == 0
    (store,) = {path.parent for path in (tmp_path / "store").rglob("manifest.json")}
    for path in (tmp_path / "store", *(tmp_path / "store").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    words = ("search", str(store.parent), "--suite", "mini", "--languages", "de", "--encoder", "tiny", "--out", "new")
    for _ in range(2):
        done = run(*words, preexec_fn=without_override)
        assert done.returncode == 0, done.stderr.decode()
    assert list((tmp_path / "home" / "searches").rglob("*.safetensors"))


def test_a_closed_cache_stays_as_it_is(cli: Cli, tmp_path: Path) -> None:
    assert cli("doctor", "--format", "csv", env={"HYBRID_BENCH_HOME": str(tmp_path / "none" / "yet")}).returncode in (0, 1)
    assert not (tmp_path / "none").exists()
