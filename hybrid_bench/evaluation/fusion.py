"""Fusing runs, or folders of runs, setting by setting, into runs or a result."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.datasets.hashes import passages_hash, queries_hash
from hybrid_bench.datasets.parts import Item
from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.assemble import SearcherIdentity
from hybrid_bench.evaluation.ranks_from_runs import pool_ids
from hybrid_bench.evaluation.runs import RunOptions, evaluate_runs
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.results import runs as trec
from hybrid_bench.results.record import Result
from hybrid_bench.results.runs import Hit
from hybrid_bench.retrieval.fusion import RRF_K, fuse
from hybrid_bench.support.hashing import texts_hash
from hybrid_bench.support.progress import Progress


@dataclass(frozen=True)
class Fusion:
    """How runs are fused; see :func:`hybrid_bench.retrieval.fusion.fuse`."""

    method: str = "rrf"
    normalisation: str = "raw"
    weights: tuple[float, ...] | None = None
    rrf_k: int = RRF_K
    depth: int = 1000

    def of(self, runs: Sequence[trec.Run]) -> dict[str, list[Hit]]:
        """The fusion of some runs."""
        return fuse(
            runs, self.method, normalisation=self.normalisation, weights=self.weights, rrf_k=self.rrf_k, depth=self.depth
        )  # fmt: skip

    @property
    def name(self) -> str:
        """The method, with whatever was chosen other than by default: two fusions of the same runs have two names."""
        words = self.words()[2:]
        return self.method + "".join(
            f"-{option.lstrip('-')}={value}" for option, value in zip(words[::2], words[1::2], strict=True)
        )

    def card(self, names: Sequence[str]) -> dict[str, object]:
        """What a result says of it."""
        said: dict[str, object] = {"kind": "fusion", "method": self.method, "of": list(names)}
        if self.method == "rrf":
            return said | {"rrf_k": self.rrf_k}
        weights = list(self.weights) if self.weights else [1 / len(names)] * len(names)
        missing = "lowest of the query" if self.normalisation == "z-score" else "0"
        return said | {"normalisation": self.normalisation, "weights": weights, "passages not found": missing}

    def words(self) -> list[str]:
        """The options of the command line, but for defaults."""
        words = ["--method", self.method]
        words += ["--normalisation", self.normalisation] if self.normalisation != "raw" else []
        words += ["--weights", ",".join(map(str, self.weights))] if self.weights else []
        words += ["--rrf-k", str(self.rrf_k)] if self.rrf_k != RRF_K else []
        return words + (["--depth", str(self.depth)] if self.depth != 1000 else [])


#: Query set and pool of a run.
Pair = tuple[str, str]


def fuse_files(paths: Sequence[Path], fusion: Fusion, output: Path, tag: str) -> list[Path]:
    """Fuse run files into a run file, or folders of runs into a folder, setting by setting.

    Raises:
        HybridBenchError: if a run is malformed, the folders have no setting in common, or the runs are of different data.
    """
    if not any(path.is_dir() or path.suffix == ".json" for path in paths):
        runs = [trec.read(path) for path in paths]
        _check_overlap(runs, paths)
        trec.write(fusion.of(runs), output, tag)
        return [output]
    common = _common(paths)
    _check_pools(_results(paths), common)
    written = []
    for (query_set, pool), files in common.items():
        written.append(output / trec.file_name(query_set, pool))
        runs = [trec.read(file) for file in files]
        if pool in (query_set, ALL):  # across languages a searcher of terms may find next to nothing
            _check_overlap(runs, files)
        trec.write(fusion.of(runs), written[-1], tag)
    return written


@dataclass(frozen=True)
class FusedRuns:
    """A searcher whose runs are fused from files; see :class:`hybrid_bench.evaluation.runs.Searcher`.

    Attributes:
        suite: that the runs are of.
        files: setting to the runs of all sides.
        fusion: how they are fused.
        identity: what a result states of the fusion.
        hashes: collection to the hash of its passages, as the sides' results state them.
    """

    suite: Suite
    files: Mapping[Setting, Sequence[Path]]
    fusion: Fusion
    identity: SearcherIdentity
    hashes: Mapping[str, str]
    exhaustive: bool = False

    @functools.cached_property
    def _pools(self) -> dict[str, frozenset[str]]:
        return {pool: frozenset(ids) for pool, ids in pool_ids(self.suite).items()}

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> dict[str, list[Hit]]:
        """The fused run of a setting."""
        runs = [trec.read(file) for file in self.files[setting]]
        asked = {query.id for query in self.suite.queries(setting.query_set)}
        for run, file in zip(runs, self.files[setting], strict=True):
            _check_inside(run, file, setting, asked, self._pools.get(setting.pool))
        return self.fusion.of(runs)

    def passages(self) -> Mapping[str, str]:
        """Collection to the hash of its passages."""
        known = (of.name for of in self.suite.collections if of.name in self._pools)
        return self.hashes or {name: passages_hash(self.suite, name) for name in known}

    def notes(self) -> Sequence[str]:
        """None."""
        return ()


def evaluate_fusion(
    paths: Sequence[Path],
    suite: str,
    fusion: Fusion,
    *,
    name: str = "",
    options: RunOptions | None = None,
    progress: Progress | None = None,
) -> Result:
    """Fuse runs and score the fusion on a suite.

    Args:
        paths: of each side a run file (for a suite of one setting), a folder of runs, or a result that has runs.
        suite: the name of the suite that the runs are of.
        fusion: method and weights.
        name: of the result; made from the sides' names and the method by default.
        options: measures, and where the fused runs are kept; depth and settings are those of the fusion.
        progress: where to report.

    Raises:
        HybridBenchError: if a run is malformed, truncated or of another suite.
    """
    options = options or RunOptions()
    loaded = load_suite(suite)
    files = _files_by_setting(paths, loaded, suite)
    results = _results(paths)
    _check_suite(results, loaded, list(files))
    names = [_name(path) for path in paths]
    hashes = [trec.digest(file) for of_setting in files.values() for file in of_setting]
    searcher = FusedRuns(
        suite=loaded,
        files=files,
        fusion=fusion,
        identity=SearcherIdentity(
            card={"name": name or f"{fusion.name}({'+'.join(names)})", **fusion.card(names)},
            fingerprint=texts_hash([*fusion.words(), *hashes]),
        ),
        hashes={of: sha256 for result in results for of, sha256 in result.provenance.passages.items()},
    )
    words = ["hybrid-bench", "fuse", *(path.as_posix() for path in paths), "--suite", loaded.asked_as, *fusion.words()]
    words += ["--name", name] if name else []
    words += ["--measures", " ".join(options.measures)] if tuple(options.measures) != tuple(DEFAULT_MEASURES) else []
    return evaluate_runs(
        searcher,
        loaded,
        command=shlex.join(words),
        options=dataclasses.replace(options, depth=fusion.depth, settings=list(files)),
        progress=progress,
    )


def _files_by_setting(paths: Sequence[Path], suite: Suite, name: str) -> dict[Setting, list[Path]]:
    """The runs of the suite's settings that all sides have."""
    if any(path.is_dir() or path.suffix == ".json" for path in paths):
        common = _common(paths)
        found = {setting: common[pair] for setting in suite.settings if (pair := (setting.query_set, setting.pool)) in common}
        if not found:
            raise HybridBenchError(f"none of the runs is of a setting of {name}", "Name the suite that the runs are of.")
        return found
    if len(suite.settings) > 1:
        raise HybridBenchError(
            f"{name} has {len(suite.settings)} settings, and a run file is of one",
            "Give folders of runs, or results that have runs.",
        )
    return {suite.settings[0]: list(paths)}


def _common(paths: Sequence[Path]) -> dict[Pair, list[Path]]:
    """The settings that all sides have, with their files."""
    sides = [_files(path) for path in paths]
    common = [pair for pair in sides[0] if all(pair in side for side in sides)]
    if not common:
        raise HybridBenchError("the runs have no setting in common", "Fuse runs of the same suite and settings.")
    return {pair: [side[pair] for side in sides] for pair in common}


def _files(path: Path) -> dict[Pair, Path]:
    if path.is_dir():
        return trec.runs_in(path)
    if path.suffix != ".json":
        raise HybridBenchError(f"{path} is one run among folders or results", "Give the same kind for every side.")
    result = Result.read(path)
    if not result.runs:
        raise HybridBenchError(
            f"{path} has no runs", "Make runs with `hybrid-bench evaluate ... --runs FOLDER` and give the folder."
        )
    if damaged := result.damaged_runs():
        raise HybridBenchError(
            f"{result.run_files[damaged[0]]} is not the run that {path} was scored from: it is missing, truncated or another one",
            f"Run: hybrid-bench reproduce {path}",
        )
    return {(setting.query_set, setting.pool): file for setting, file in result.run_files.items()}


def _results(paths: Sequence[Path]) -> list[Result]:
    """The results among the sides. Runs alone do not state what they are of.

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


def _check_pools(results: Sequence[Result], pairs: Iterable[Pair]) -> None:
    """Refuse results whose pool of several collections is not of the same collections."""
    for pool in dict.fromkeys(pool for _, pool in pairs):
        inside = {result.name: sorted(result.pools.get(pool, (pool,))) for result in results}
        if len(set(map(tuple, inside.values()))) > 1:
            stated = "; ".join(f"{name}: {', '.join(collections)}" for name, collections in inside.items())
            raise HybridBenchError(f"the pools {pool} are not the same ({stated})", "Fuse runs of the same collections.")


def _check_suite(results: Sequence[Result], suite: Suite, settings: Sequence[Setting]) -> None:
    """Refuse results of other queries than the suite's, or of other pools."""
    for result in results:
        for pool in dict.fromkeys(setting.pool for setting in settings if setting.pool in suite.pools):
            if set(result.pools.get(pool, (pool,))) != set(suite.pool(pool)):
                raise HybridBenchError(
                    f"the pool {pool} of {result.name} has other collections than {suite.name}",
                    f"It is of {result.suite}: use its --languages or settings that both have.",
                )
    for query_set in dict.fromkeys(setting.query_set for setting in settings) if results else ():
        sha256 = queries_hash(suite, query_set)
        for result in results:
            if result.provenance.queries.get(query_set, sha256) != sha256:
                raise HybridBenchError(
                    f"{result.name} was scored on other queries in {query_set} than {suite.name} has (on {result.suite})",
                    "Name the suite that the runs are of.",
                )


def _check_overlap(runs: Sequence[trec.Run], files: Sequence[Path]) -> None:
    """Refuse runs that have no passage in common: they are of different collections."""
    found = [{hit.doc_id for hits in run.values() for hit in hits} for run in runs]
    for other, file in zip(found[1:], files[1:], strict=True):
        if not found[0] & other:
            raise HybridBenchError(
                f"{files[0]} and {file} have no passage in common: they are of different collections",
                "Fuse runs of the same data.",
            )


def _check_inside(run: trec.Run, file: Path, setting: Setting, queries: Collection[str], pool: Collection[str] | None) -> None:
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


def _name(path: Path) -> str:
    if path.suffix == ".json":
        return Result.read(path).name
    return path.name.removesuffix(trec.RUN_SUFFIX).removesuffix(".trec").removesuffix(".runs")
