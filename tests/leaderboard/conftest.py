"""Leaderboards built once per session; tests that modify one work on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hybrid_bench.leaderboard.build import Built, build, write
from tests.leaderboard import examples


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of re-scored submissions."""
    return tmp_path_factory.mktemp("rescored")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """Submissions and published figures, without generated files."""
    return examples.boards(tmp_path_factory.mktemp("boards"))


@pytest.fixture(scope="session")
def built(folder: Path, store: Path) -> Built:
    return build(folder, store=store)


@pytest.fixture(scope="session")
def site(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated site."""
    made = tmp_path_factory.mktemp("made")
    write(made, built)
    return made / "site"


@pytest.fixture
def copy(folder: Path, built: Built, tmp_path: Path) -> Path:
    """Submissions and generated files that a test may modify."""
    target = tmp_path / "leaderboards"
    shutil.copytree(folder, target)
    write(target, built)
    return target
