"""The command line inside this process: the same ``main``, without the seconds that a new interpreter takes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybrid_bench.cli import main
from hybrid_bench.encoders.load import REGISTRY
from tests.conftest import Cli
from tests.tiny_encoder import TinyEncoder


@pytest.fixture(scope="session")
def _tiny_is_registered() -> Iterator[None]:
    REGISTRY.add("tiny", TinyEncoder)
    yield
    del REGISTRY._added["tiny"]


@pytest.fixture
def here(_tiny_is_registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run ``hybrid-bench`` in this process and in an empty folder; for what does not depend on a process of its own."""
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
