"""What all tests share: where the data are, caches of their own, a tiny encoder, and the command line."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("HYBRID_BENCH_SHARED") or ROOT.parent / "shared").resolve()
SCRATCH = Path(tempfile.mkdtemp(prefix="hybrid-bench-tests-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

# Here and not in a fixture: ir_datasets reads IR_DATASETS_HOME when it is imported.
os.environ |= {
    "HYBRID_BENCH_HOME": os.environ.get("HYBRID_BENCH_TEST_HOME") or str(SCRATCH / "home"),
    "HYBRID_BENCH_MIRROR": str(SHARED / "mirror"),
    "HF_HUB_OFFLINE": "1",
    "IR_DATASETS_HOME": str(SCRATCH / "ir_datasets"),
}
for _file in (SHARED / "ir_datasets_home").rglob("*"):
    if _file.is_file():
        _copy = SCRATCH / "ir_datasets" / _file.relative_to(SHARED / "ir_datasets_home")
        _copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_file, _copy)

from tests.tiny_encoder import TinyEncoder  # noqa: E402

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data that tests compare with; without it they fail."""
    if not (SHARED / "mirror").is_dir():
        pytest.fail(f"the data that this test needs are not in {SHARED}; name their folder in HYBRID_BENCH_SHARED")
    return SHARED


@pytest.fixture(scope="session")
def tiny_encoder() -> TinyEncoder:
    """A deterministic encoder on numpy alone; :func:`tiny_distribution` makes it the name ``tiny``."""
    return TinyEncoder()


@pytest.fixture(scope="session")
def tiny_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH in which a distribution registers the encoder ``tiny``."""
    folder = tmp_path_factory.mktemp("tiny-distribution")
    shutil.copy(ROOT / "tests" / "tiny_encoder.py", folder)
    info = folder / "tiny_encoder-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-encoder\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hybrid_bench.encoders]\ntiny = tiny_encoder:TinyEncoder\n")
    return folder


@pytest.fixture(scope="session")
def cli_in(tiny_distribution: Path) -> Callable[[Path], Cli]:
    """``cli_in(folder)`` runs ``hybrid-bench`` in that folder, see :func:`cli`."""

    def at(folder: Path) -> Cli:
        def run(*words: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
            path = os.pathsep.join(filter(None, (str(tiny_distribution), os.environ.get("PYTHONPATH"))))
            return subprocess.run(
                [sys.executable, "-m", "hybrid_bench", *map(str, words)],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": path} | (env or {}),
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )

        return run

    return at


@pytest.fixture
def cli(cli_in: Callable[[Path], Cli], tmp_path: Path) -> Cli:
    """Run ``hybrid-bench`` in a process and a folder of its own, where the encoder ``tiny`` is installed.

    ``cli("evaluate", "tiny", env={"NO_COLOR": "1"})`` returns a ``CompletedProcess`` with text.
    """
    return cli_in(tmp_path)


@pytest.fixture(scope="session")
def _tiny_is_registered() -> Iterator[None]:
    from hybrid_bench.encoders.load import REGISTRY

    REGISTRY.add("tiny", TinyEncoder)
    yield
    del REGISTRY._added["tiny"]


@pytest.fixture
def here(_tiny_is_registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run ``hybrid-bench`` in this process and in an empty folder: the same ``main``, without the seconds of a new interpreter.

    For what does not depend on a process of its own.
    """
    from hybrid_bench.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = ["hybrid-bench", *map(str, words)]
        monkeypatch.setattr("sys.argv", command)
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        output, remarks = capfd.readouterr()
        return subprocess.CompletedProcess(command, int(end.value.code or 0), output, remarks)

    return run
