"""A real server with two models, started once, and a proxy before it for each test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybrid_bench import load_encoder
from tests.encoders.models import save_sentence_transformer
from tests.plugins.api.proxy import KEY, Proxy


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """``tiny`` with random weights and 8 dimensions, and ``me5`` with those of me5-small."""
    folder = tmp_path_factory.mktemp("models")
    known = load_encoder("me5-small")
    shutil.copytree(known.card.model, folder / "me5")
    return {"tiny": save_sentence_transformer(folder), "me5": folder / "me5"}


@pytest.fixture(scope="session")
def port(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    log = tmp_path_factory.mktemp("server") / "log"
    program = [sys.executable, str(Path(__file__).parent / "embedding_server.py"), str(number)]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*program, *(f"{name}={folder}" for name, folder in models.items())],
            stdout=output,
            stderr=output,
            env=os.environ | {"SERVER_KEY": KEY},
            start_new_session=True,  # so that its workers end with it
        )
    try:
        _wait(number, server, log)
        yield number
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        assert server.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def proxy(port: int) -> Iterator[Proxy]:
    made = Proxy(port)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and no keys."""
    for name in list(os.environ):
        if name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
