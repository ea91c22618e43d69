"""A file is written whole or not at all, and a killed writer's beginning is cleared away by the next."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from hybrid_bench.support import atomic


def test_an_error_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a[1].json"
    atomic.write(path, b"first")
    with pytest.raises(RuntimeError), atomic.writing(path) as temporary:
        temporary.write_bytes(b"sec")
        raise RuntimeError
    assert {path.name: path.read_bytes()} == {found.name: found.read_bytes() for found in tmp_path.iterdir()}


def test_what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a[1].json"
    process = os.fork()
    if process == 0:
        with atomic.writing(path) as temporary:
            temporary.write_bytes(b"beginn")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(process, 0)
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(f"-{process}.tmp")
    with atomic.writing(path) as mine:
        assert not left.exists()
        mine.write_bytes(b"whole")
        assert atomic.temporary_name(path) == mine
        assert mine.exists(), "its process lives"
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
