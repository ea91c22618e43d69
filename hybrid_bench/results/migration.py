"""Rewriting of results of earlier schema versions."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hybrid_bench.results.files import SCHEMA_VERSION, read_fields
from hybrid_bench.results.record import Result
from hybrid_bench.support import atomic


def migrate(path: Path) -> bool:
    """Rewrite a result of an earlier schema version, with its ranks, in the present one, and move its runs to its folder.

    In version 1 all results of an encoder had their runs in the same folder; runs of another result stay where they are. The
    new ranks wait beside the old ones until the result names them, so that a migration that is interrupted can be repeated.

    Returns:
        Whether anything had to be written.

    Raises:
        HybridBenchError: if the file is not a result, or its ranks are missing or not those that it names.
    """
    if read_fields(path)["schema_version"] == SCHEMA_VERSION:
        return _finish(path, Result.read(path))
    result = Result.read(path)
    if result.has_ranks:
        ranks = result.ranks
        result = result.with_ranks(ranks)
        atomic.write(_waiting(path), ranks.to_bytes())
    folder = path.parent / f"{result.stem}.runs"
    early = {file.parent for file in result.run_files.values()} - {folder}
    if early and not result.damaged_runs():
        early.pop().rename(folder)
    atomic.write(path, result.to_json().encode())
    _finish(path, result)
    return True


def _waiting(path: Path) -> Path:
    """Where the new ranks of a result are until it names them."""
    return path.with_name(f".{path.stem}.ranks.migrated")


def _finish(path: Path, result: Result) -> bool:
    """Give the ranks that wait their name, if they are those of the result; returns whether they were."""
    waiting, named = _waiting(path), result.ranks_file
    if named is None or not waiting.exists() or hashlib.sha256(waiting.read_bytes()).hexdigest() != named.sha256:
        return False
    waiting.replace(path.parent / named.file)
    return True
