"""Folders of runs: all runs in one are of the same searcher, suite and options, which the header of each file identifies."""

from __future__ import annotations

from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results.runs import RUN_SUFFIX, identity_of


def owner(folder: Path) -> str | None:
    """The identity of what the runs in a folder are of; empty if it is not known, None if there are no runs."""
    found = {identity_of(path) for path in folder.glob(f"*{RUN_SUFFIX}")}
    return found.pop() if len(found) == 1 else "" if found else None


def prepare(folder: Path, identity: str, *, overwrite: bool = False) -> None:
    """Make sure that a folder has no runs but those with an identity.

    Args:
        folder: of the runs.
        identity: of what they are of.
        overwrite: delete the runs of anything else that are there.

    Raises:
        HybridBenchError: if the folder has runs of something else.
    """
    if owner(folder) in (None, identity):
        return
    if not overwrite:
        raise HybridBenchError(
            f"{folder} has runs of another evaluation, and a folder of runs is of one",
            "Choose another folder, or replace them with --overwrite.",
        )
    for run in folder.glob(f"*{RUN_SUFFIX}"):
        run.unlink()
