"""Valid submissions, packed once per session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.submissions import examples
from tests.submissions.examples import Example


@pytest.fixture(scope="session")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Read-only; modify an :meth:`Example.copy`."""
    return examples.packed(tmp_path_factory.mktemp("valid"))


@pytest.fixture(scope="session")
def valid_runs(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """Read-only; modify an :meth:`Example.copy`."""
    return examples.with_runs(tmp_path_factory.mktemp("valid-runs"))


@pytest.fixture
def example(valid: Example, tmp_path: Path) -> Example:
    """A valid submission that a test may modify."""
    return valid.copy(tmp_path / "board")
