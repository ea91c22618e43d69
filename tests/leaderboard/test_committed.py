"""The committed leaderboards are up to date."""

from __future__ import annotations

from pathlib import Path

from hybrid_bench.leaderboard.build import build, differences


def test_the_committed_leaderboards_are_up_to_date(root: Path, shared: Path) -> None:
    """``hybrid-bench leaderboard build`` regenerates them."""
    folder = root / "leaderboards"
    assert differences(folder, build(folder)) == []
