"""Atomic file writes, and removal of temporary files of dead processes."""

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


def test_temporary_files_of_dead_processes_are_removed_and_those_of_running_ones_are_not(tmp_path: Path) -> None:
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
        assert mine.exists(), "its process is running"
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
