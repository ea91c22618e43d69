"""Rewriting of results of earlier schema versions."""

from __future__ import annotations

from pathlib import Path

from hybrid_bench.results.record import SCHEMA_VERSION, Result, read_fields
from hybrid_bench.support import atomic


def migrate(path: Path) -> bool:
    """Rewrite a result of an earlier schema version, with its ranks, in the present one, and move its runs to its folder.

    In version 1 all results of an encoder had their runs in the same folder; runs of another result stay where they are.

    Returns:
        Whether anything had to be written.

    Raises:
        HybridBenchError: if the file is not a result, or its ranks are missing or not those that it names.
    """
    if read_fields(path)["schema_version"] == SCHEMA_VERSION:
        return False
    result = Result.read(path)
    if result.has_ranks:
        ranks = result.ranks
        result = result.with_ranks(ranks)
        if result.ranks_file is not None:
            atomic.write(path.parent / result.ranks_file.file, ranks.to_bytes())
    folder = path.parent / f"{result.stem}.runs"
    early = {file.parent for file in result.run_files.values()} - {folder}
    if early and not result.damaged_runs():
        early.pop().rename(folder)
    atomic.write(path, result.to_json().encode())
    return True
