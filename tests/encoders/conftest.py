"""Folders of small real models, one a test, which may change them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.encoders.models import save_sentence_transformer, save_transformer


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A transformers checkpoint."""
    return save_transformer(tmp_path / "tiny-bert")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A sentence-transformers folder."""
    return save_sentence_transformer(tmp_path / "with-modules")
