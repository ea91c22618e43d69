"""Inputs of a fusion: runs, folders of runs or results, and checks that they are of the same data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from hybrid_bench.datasets.hashes import queries_hash
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results import runs as trec
from hybrid_bench.results.record import Result

#: Query set and pool of a run.
Pair = tuple[str, str]


def files_by_setting(paths: Sequence[Path], suite: Suite) -> dict[Setting, list[Path]]:
    """The runs of the suite's settings that all sides have.

    Args:
        paths: a run file, a folder of runs or a result per side. The name of a run file tells its setting where there are
            several.
        suite: that the runs are of.
    """
    if any(path.is_dir() or path.suffix == ".json" for path in paths):
        common = common_runs(paths)
        found = {setting: common[pair] for setting in suite.settings if (pair := (setting.query_set, setting.pool)) in common}
        if not found:
            raise HybridBenchError(f"none of the runs is of a setting of {suite.name}", "Name the suite that the runs are of.")
        return found
    named = [setting for setting in suite.settings if {trec.file_name(*setting[:2])} == {path.name for path in paths}]
    if len(suite.settings) > 1 and not named:
        raise HybridBenchError(
            f"{suite.name} has {len(suite.settings)} settings, and a run file is of one",
            "Give folders of runs, results that have runs, or a file that is named as the runs in them, e.g. "
            f"{trec.file_name(*suite.settings[0][:2])}.",
        )
    return {(named or suite.settings)[0]: list(paths)}


def setting_named(name: str, suite: Suite) -> Setting | None:
    """The setting that a subset of another evaluator is of; None if the suite has none of this name.

    Args:
        name: ``de:all`` or ``de-all``, or the query set alone where it is asked on one pool.
        suite: that it is a setting of.
    """
    by_name: dict[str, set[Setting]] = {}
    for setting in suite.settings:
        for form in (
            setting.name,
            f"{setting.query_set}-{setting.pool}",
            f"{setting.query_set}--{setting.pool}",
            setting.query_set,
        ):
            by_name.setdefault(form, set()).add(setting)
    found = by_name.get(name, set())
    return next(iter(found)) if len(found) == 1 else None


def common_runs(paths: Sequence[Path]) -> dict[Pair, list[Path]]:
    """The settings that all sides have, with their files."""
    sides = [_files(path) for path in paths]
    common = [pair for pair in sides[0] if all(pair in side for side in sides)]
    if not common:
        raise HybridBenchError("the runs have no setting in common", "Fuse runs of the same suite and settings.")
    return {pair: [side[pair] for side in sides] for pair in common}


def _files(path: Path) -> dict[Pair, Path]:
    if path.is_dir():
        return trec.runs_in(path)
    if not path.exists():
        raise HybridBenchError(f"there is no {path}", "Give a run, a folder of runs, or a result that has runs.")
    if path.suffix != ".json":
        raise HybridBenchError(f"{path} is a single run, and others are folders or results", "Give the same kind for every side.")
    result = Result.read(path)
    if not result.runs:
        raise HybridBenchError(
            f"{path} has no runs", "Write runs with `hybrid-bench evaluate ... --runs FOLDER` and give the folder."
        )
    if damaged := result.damaged_runs():
        raise HybridBenchError(
            f"{result.run_files[damaged[0]]}, of which {path} has the scores, is missing, truncated or a different run",
            f"Run: hybrid-bench reproduce {path}",
        )
    return {(setting.query_set, setting.pool): file for setting, file in result.run_files.items()}


def named_files(path: Path) -> dict[str, Path]:
    """The runs of a run file, a folder of runs or a result, by their names without endings: ``en-all``."""
    files = [path] if path.is_file() and path.suffix != ".json" else _files(path).values()
    return {file.name.removesuffix(".gz").removesuffix(".trec"): file for file in files}


def results_among(paths: Sequence[Path]) -> list[Result]:
    """The results among the sides. Runs do not state what they are of.

    Raises:
        HybridBenchError: if they are of different queries or passages.
    """
    results = [Result.read(path) for path in paths if path.suffix == ".json"]
    for part in ("passages", "queries"):
        known: dict[str, tuple[str, str]] = {}
        for result in results:
            for of, sha256 in getattr(result.provenance, part).items():
                name, first = known.setdefault(of, (result.name, sha256))
                if first != sha256:
                    raise HybridBenchError(
                        f"{name} and {result.name} are of different {part} in {of}", "Fuse runs of the same data."
                    )
    return results


def check_pools(results: Sequence[Result], pairs: Iterable[Pair]) -> None:
    """Refuse results whose pool of several collections is not of the same collections."""
    for pool in dict.fromkeys(pool for _, pool in pairs):
        inside = {result.name: sorted(result.pools.get(pool, (pool,))) for result in results}
        if len(set(map(tuple, inside.values()))) > 1:
            stated = "; ".join(f"{name}: {', '.join(collections)}" for name, collections in inside.items())
            raise HybridBenchError(f"the pools {pool} are not the same ({stated})", "Fuse runs of the same collections.")


def check_suite(results: Sequence[Result], suite: Suite, settings: Sequence[Setting]) -> None:
    """Refuse results of other queries than the suite's, or of other pools."""
    for result in results:
        for pool in dict.fromkeys(setting.pool for setting in settings if setting.pool in suite.pools):
            if set(result.pools.get(pool, (pool,))) != set(suite.pool(pool)):
                raise HybridBenchError(
                    f"the pool {pool} of {result.name} has other collections than {suite.name}",
                    f"It is of {result.suite}. Fuse folders with the runs of settings that both have.",
                )
    for query_set in dict.fromkeys(setting.query_set for setting in settings) if results else ():
        sha256 = queries_hash(suite, query_set)
        for result in results:
            if result.provenance.queries.get(query_set, sha256) != sha256:
                raise HybridBenchError(
                    f"{result.name} was scored on other queries in {query_set} than {suite.name} has (on {result.suite})",
                    "Name the suite that the runs are of.",
                )


def check_overlap(runs: Sequence[trec.Run], files: Sequence[Path]) -> None:
    """Refuse runs that have no passage in common: they are of different collections."""
    found = [{hit.doc_id for hits in run.values() for hit in hits} for run in runs]
    for other, file in zip(found[1:], files[1:], strict=True):
        if not found[0] & other:
            raise HybridBenchError(
                f"{files[0]} and {file} have no passage in common: they are of different collections",
                "Fuse runs of the same data.",
            )


def check_inside(run: trec.Run, file: Path, setting: Setting, queries: Collection[str], pool: Collection[str] | None) -> None:
    """Refuse a run of other queries, or (where the pool is small enough to be known) of other passages."""
    for query_id, hits in run.items():
        if query_id not in queries:
            raise HybridBenchError(
                f"{file} has the query {query_id!r}, which is not among the suite's queries in {setting.query_set}",
                "Name the suite that the runs are of.",
            )
        if pool and (foreign := next((hit.doc_id for hit in hits if hit.doc_id not in pool), None)):
            raise HybridBenchError(
                f"{file} has the passage {foreign!r}, which is not in the pool {setting.pool} of the suite",
                "Name the suite that the runs are of.",
            )


def name_of(path: Path) -> str:
    """The name of a side: the result's, or that of the file or folder."""
    if path.suffix == ".json":
        return Result.read(path).name
    return path.name.removesuffix(trec.RUN_SUFFIX).removesuffix(".trec").removesuffix(".runs")
