"""Rewriting of results of earlier schema versions."""

from __future__ import annotations

from pathlib import Path

from hybrid_bench.results.record import SCHEMA_VERSION, Result, read_fields
from hybrid_bench.support import atomic


def migrate(path: Path) -> bool:
    """Rewrite a result of an earlier schema version, with its ranks and runs, in the present one.

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
    kept = {file.parent for file in result.run_files.values()} - {folder}
    for early in kept:  # where version 1 kept the runs of a result, whatever they were computed in
        early.rename(folder)
    atomic.write(path, result.to_json().encode())
    return True
