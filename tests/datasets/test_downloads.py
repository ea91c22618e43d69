"""Downloads: from a mirror or from where they are published, whole and with the right hash, or not at all."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.datasets.downloads import MIRROR_VARIABLE, fetch
from hybrid_bench.installation.doctor import _mirror
from tests.conftest import Cli

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


class _EndlessHandler(_Handler):
    """Sends zeros until the client leaves."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(bytes(1 << 16))


class _PasswordHandler(_Handler):
    """Serves only who knows the password."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:se cret").decode():
            super().do_GET()
        else:
            self.send_error(401)


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


def test_a_mirror_may_be_in_the_home_folder(target: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(mirror.parents[4]))
    monkeypatch.setenv(MIRROR_VARIABLE, "~/mirror/")
    assert fetch(URL, target, MD5).read_bytes() == CONTENT


@pytest.mark.parametrize("server", [_EndlessHandler], indirect=True)
@pytest.mark.usefixtures("server")
def test_an_endless_download_ends_at_a_limit(target: Path) -> None:
    with pytest.raises(HybridBenchError, match="it sends more than 1000000 bytes"):
        fetch(URL, target, MD5, limit=1_000_000)
    assert nothing_is_left(target)


def test_an_endless_or_larger_file_of_a_folder_is_refused(target: Path, mirror: Path) -> None:
    with pytest.raises(HybridBenchError, match="it is no file of at most 1000 bytes"):
        fetch(URL, target, MD5, limit=1000)
    mirror.unlink()
    mirror.symlink_to("/dev/zero")
    with pytest.raises(HybridBenchError, match="it is no file of at most"):
        fetch(URL, target, MD5)
    assert nothing_is_left(target)


@pytest.mark.parametrize("server", [_PasswordHandler], indirect=True)
def test_the_password_of_a_mirror_is_used_and_never_shown(
    target: Path, server: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for password, right in (("se%20cret", True), ("wrong-secret", False)):
        monkeypatch.setenv(MIRROR_VARIABLE, server.replace("://", f"://me:{password}@"))
        if right:
            assert fetch(URL, target, MD5).read_bytes() == CONTENT
            target.unlink()
        else:
            with pytest.raises(HybridBenchError) as refused:
                fetch(URL, target, MD5)
            shown = f"{refused.value}{''.join(capfd.readouterr())}"
            assert "cannot get http://***@127.0.0.1" in shown
            assert "secret" not in shown
        shown = f"{_mirror()}"
        assert "***@" in shown
        assert password not in shown


def irds(folder: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run code that uses ir_datasets, with a home of its own and without a network."""
    program = f"import hybrid_bench, ir_datasets\nhybrid_bench.register()\n{code}"
    nowhere = {"IR_DATASETS_HOME": str(folder / "irds"), "HTTPS_PROXY": NOBODY_LISTENS, "https_proxy": NOBODY_LISTENS}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=os.environ | nowhere | env
    )


def test_the_mirror_serves_the_ids_of_ir_datasets(tmp_path: Path, shared: Path) -> None:
    copy = tmp_path / "mirror/huggingface.co/datasets/macavaney/miracl-noauth/resolve/main/miracl-v1.0-yo/topics"
    copy.mkdir(parents=True)
    topics = shared / "ir_datasets_home/miracl/v1.0/yo/dev/topics.tsv"
    shutil.copy(topics, copy / "topics.miracl-v1.0-yo-dev.tsv")
    code = 'print(len(list(ir_datasets.load("miracl/yo/dev").queries_iter())))'
    done = irds(tmp_path, code, HYBRID_BENCH_MIRROR=str(tmp_path / "mirror"))
    assert done.stdout == f"{len(topics.read_text().splitlines())}\n", done.stderr


@pytest.mark.parametrize("mirror_of", ["", "mirror"], ids=["no network", "no such file on the mirror"])
@pytest.mark.parametrize("suite", ["miracl/sw/dev", "beir/nfcorpus/test"])
def test_ids_of_ir_datasets_that_cannot_be_downloaded_are_one_clear_error(
    cli: Cli, tmp_path: Path, suite: str, mirror_of: str
) -> None:
    nowhere = {"IR_DATASETS_HOME": str(tmp_path / "irds"), "HTTPS_PROXY": NOBODY_LISTENS, "https_proxy": NOBODY_LISTENS}
    done = cli("evaluate", "tiny", "--suite", suite, env=nowhere | {MIRROR_VARIABLE: mirror_of})
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    (first,) = (line for line in lines if line.startswith("error: cannot get "))
    assert "miracl" in first or "nfcorpus" in first
    assert MIRROR_VARIABLE in lines[-1]
    assert "Traceback" not in done.stderr
