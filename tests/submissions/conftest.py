"""Honest submissions, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.submissions import examples
from tests.submissions.examples import Example


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Not to be changed: see :meth:`Example.copy`."""
    return examples.packed(tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="session")
def honest_runs(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Not to be changed: see :meth:`Example.copy`."""
    return examples.with_runs(tmp_path_factory.mktemp("honest-runs"))


@pytest.fixture
def example(honest: Example, tmp_path: Path) -> Example:
    """An honest submission to be changed."""
    return honest.copy(tmp_path / "board")
