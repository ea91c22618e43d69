"""The boards of this repository are what its submissions give."""

from __future__ import annotations

from pathlib import Path

from hybrid_bench.leaderboard.build import build, differences


def test_the_committed_boards_are_what_the_submissions_give(root: Path, shared: Path) -> None:
    """``hybrid-bench leaderboard build`` makes them anew."""
    folder = root / "leaderboards"
    assert differences(folder, build(folder)) == []
