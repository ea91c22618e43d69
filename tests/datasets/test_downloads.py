"""Downloads: from a mirror or from where they are published, whole and with the right hash, or not at all."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.datasets.downloads import MIRROR_VARIABLE, fetch

URL = "https://files.example.org/data/v1/en.json"
CONTENT = b'{"data": []}' * 1000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
NOBODY_LISTENS = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _one_try_without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IR_DATASETS_DL_TRIES", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "home" / "data" / "en.json"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mirror's copy of the file, in a folder."""
    copy = tmp_path / "mirror" / "files.example.org" / "data" / "v1" / "en.json"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(CONTENT)
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "mirror"))
    return copy


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class _BreakingOffHandler(_Handler):
    """Promises the whole file and closes the connection in its middle."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2])


@pytest.fixture
def server(request: pytest.FixtureRequest, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The mirror's folder over HTTP."""
    handler = partial(getattr(request, "param", _Handler), directory=str(mirror.parents[3]))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        address = f"http://127.0.0.1:{running.server_address[1]}"
        monkeypatch.setenv(MIRROR_VARIABLE, address)
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield address
        running.shutdown()


def nothing_is_left(target: Path) -> bool:
    return not target.parent.exists() or not any(target.parent.iterdir())


@pytest.mark.usefixtures("mirror")
def test_a_file_comes_from_the_folder_that_mirrors_its_address(target: Path) -> None:
    assert fetch(URL, target, MD5) == target
    assert target.read_bytes() == CONTENT
    assert [file.name for file in target.parent.iterdir()] == ["en.json"]


def test_a_file_that_is_there_needs_neither_mirror_nor_network(
    target: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(URL, target, MD5)
    mirror.unlink()
    assert fetch(URL, target, MD5).read_bytes() == CONTENT
    monkeypatch.delenv(MIRROR_VARIABLE)
    assert fetch(f"{NOBODY_LISTENS}/en.json", target, MD5).read_bytes() == CONTENT


@pytest.mark.parametrize("bad", [CONTENT[:-1], CONTENT + b"\n", CONTENT.replace(b"data", b"dada", 1), b""])
def test_a_wrong_hash_is_refused(target: Path, mirror: Path, bad: bytes) -> None:
    mirror.write_bytes(bad)
    with pytest.raises(HybridBenchError) as refused:
        fetch(URL, target, MD5)
    assert str(mirror) in refused.value.problem
    assert MD5 in refused.value.problem
    assert hashlib.md5(bad, usedforsecurity=False).hexdigest() in refused.value.problem
    assert MIRROR_VARIABLE in refused.value.remedy
    assert nothing_is_left(target)


def test_a_refused_file_is_taken_once_the_mirror_is_mended(target: Path, mirror: Path) -> None:
    mirror.write_bytes(CONTENT[:100])
    with pytest.raises(HybridBenchError):
        fetch(URL, target, MD5)
    mirror.write_bytes(CONTENT)
    assert fetch(URL, target, MD5).read_bytes() == CONTENT


def test_a_file_that_the_mirror_does_not_have_is_named(target: Path, mirror: Path) -> None:
    mirror.unlink()
    with pytest.raises(HybridBenchError, match=f"cannot get {mirror}"):
        fetch(URL, target, MD5)
    assert nothing_is_left(target)


def test_a_cached_file_that_was_damaged_later_is_named_and_kept(target: Path, mirror: Path) -> None:
    fetch(URL, target, MD5)
    damaged = CONTENT[:-1] + b"]"
    target.write_bytes(damaged)
    with pytest.raises(HybridBenchError) as refused:
        fetch(URL, target, MD5)
    assert str(target) in refused.value.problem
    assert MD5 in refused.value.problem
    assert hashlib.md5(damaged, usedforsecurity=False).hexdigest() in refused.value.problem
    assert refused.value.remedy.startswith("Delete it and run again")
    assert target.read_bytes() == damaged


@pytest.mark.usefixtures("server")
def test_a_mirror_may_be_a_web_server(target: Path) -> None:
    assert fetch(URL, target, MD5).read_bytes() == CONTENT
    assert [file.name for file in target.parent.iterdir()] == ["en.json"]


def test_a_wrong_hash_from_a_web_server_is_refused(target: Path, mirror: Path, server: str) -> None:
    mirror.write_bytes(CONTENT[:-1])
    with pytest.raises(HybridBenchError, match=f"cannot get {server}/files.example.org/data/v1/en.json: .*{MD5}"):
        fetch(URL, target, MD5)
    assert nothing_is_left(target)


def test_a_file_that_a_web_server_does_not_have_is_named(target: Path, mirror: Path, server: str) -> None:
    mirror.unlink()
    with pytest.raises(HybridBenchError, match=f"cannot get {server}/files.example.org/data/v1/en.json"):
        fetch(URL, target, MD5)
    assert nothing_is_left(target)


@pytest.mark.parametrize("server", [_BreakingOffHandler], indirect=True)
def test_a_connection_that_breaks_off_leaves_nothing(target: Path, server: str) -> None:
    with pytest.raises(HybridBenchError, match=f"cannot get {server}"):
        fetch(URL, target, MD5)
    assert nothing_is_left(target)


def test_a_mirror_that_does_not_answer_is_named(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, NOBODY_LISTENS)
    with pytest.raises(HybridBenchError) as refused:
        fetch(URL, target, MD5)
    assert refused.value.problem.startswith(f"cannot get {NOBODY_LISTENS}/files.example.org/data/v1/en.json: ")
    assert refused.value.remedy == f"Point {MIRROR_VARIABLE} at a complete copy of the files."
    assert nothing_is_left(target)


def test_without_network_and_mirror_the_error_says_what_a_mirror_has_to_hold(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MIRROR_VARIABLE)
    with pytest.raises(HybridBenchError) as refused:
        fetch(f"{NOBODY_LISTENS}/data/v1/en.json", target, MD5)
    assert refused.value.problem.startswith(f"cannot get {NOBODY_LISTENS}/data/v1/en.json: ")
    assert f"point {MIRROR_VARIABLE} at a folder that has 127.0.0.1:9/data/v1/en.json" in refused.value.remedy
    assert nothing_is_left(target)
