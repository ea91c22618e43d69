"""The results in folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results.record import Result


def files(paths: Iterable[Path]) -> list[Path]:
    """The files of results: those that are named, and all that are in the folders that are named, in order.

    Raises:
        HybridBenchError: if a folder has none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        if not inside:
            raise HybridBenchError(f"there is no result in {path}", "`hybrid-bench evaluate` writes results; name their folder.")
        found |= dict.fromkeys(inside)
    return list(found)


def read(paths: Iterable[Path]) -> tuple[list[Result], list[HybridBenchError]]:
    """The results in files and folders, and why the others could not be read."""
    results, errors = [], []
    for path in files(paths):
        try:
            results.append(Result.read(path))
        except HybridBenchError as error:
            errors.append(error)
    return results, errors


def read_all(paths: Iterable[Path]) -> list[Result]:
    """The results in files and folders.

    Raises:
        HybridBenchError: if one cannot be read; it names all that cannot.
    """
    results, errors = read(paths)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise HybridBenchError("; ".join(error.problem for error in errors), "Remove these files, or evaluate again.")
    return results
