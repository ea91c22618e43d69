"""Fusing runs, or folders of runs, setting by setting, into runs or a result."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.datasets.catalog import load_suite
from hybrid_bench.datasets.hashes import passages_hash, queries_hash
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import Suite, Text
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.ranks_from_runs import pool_ids
from hybrid_bench.evaluation.runs import Searcher, evaluate_runs
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
    for setting, files in common.items():
        written.append(output / trec.file_name(setting))
        runs = [trec.read(file) for file in files]
        if setting.kind != "cross-lingual":  # where a searcher of terms may find next to nothing
            _check_overlap(runs, files)
        trec.write(fusion.of(runs), written[-1], tag)
    return written


def evaluate_fusion(
    paths: Sequence[Path],
    suite: str,
    fusion: Fusion,
    *,
    name: str = "",
    measures: Sequence[str] = DEFAULT_MEASURES,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Fuse runs and score the fusion on a suite.

    Args:
        paths: of each side a run file (for a suite of one setting), a folder of runs, or a result that has runs.
        suite: the name of the suite that the runs are of.
        fusion: how.
        name: of the result; made from the sides' names and the method by default.
        measures: any of ir_measures.
        out: folder of results, to keep the fused runs in.
        progress: where to report.

    Raises:
        HybridBenchError: if a run is malformed, truncated or of another suite.
    """
    loaded = load_suite(suite)
    if any(path.is_dir() or path.suffix == ".json" for path in paths):
        files = _common(paths)
    else:
        possible = loaded.settings()
        if len(possible) > 1:
            raise HybridBenchError(
                f"{suite} has {len(possible)} settings, and a run file is of one",
                "Give folders of runs, or results that have runs.",
            )
        files = {possible[0]: list(paths)}
    if not set(files) & set(loaded.settings()):
        raise HybridBenchError(f"none of the runs is of a setting of {suite}", "Name the suite that the runs are of.")
    results = _results(paths)
    _check_suite(results, loaded, [setting for setting in loaded.settings() if setting in files])
    pools = {pool: frozenset(ids) for pool, ids in pool_ids(loaded).items()}
    names = [_name(path) for path in paths]
    hashes = [trec.digest(file) for of_setting in files.values() for file in of_setting]

    def search(setting: Setting, queries: Sequence[Text]) -> Mapping[str, Sequence[Hit]]:
        runs = [trec.read(file) for file in files[setting]]
        asked = {query.id for query in loaded.query_texts(setting.query_language)}
        for run, file in zip(runs, files[setting], strict=True):
            _check_inside(run, file, setting, asked, pools.get(setting.pool))
        return fusion.of(runs)

    return evaluate_runs(
        Searcher(
            card={"name": name or f"{fusion.name}({'+'.join(names)})", **fusion.card(names)},
            fingerprint=texts_hash([*fusion.words(), *hashes]),
            search=search,
        ),
        loaded,
        command=shlex.join(
            ["hybrid-bench", "fuse", *(path.as_posix() for path in paths), "--suite", loaded.asked_as, *fusion.words()]
            + (["--name", name] if name else [])
            + (["--measures", " ".join(measures)] if tuple(measures) != tuple(DEFAULT_MEASURES) else [])
        ),
        depth=fusion.depth,
        settings=list(files),
        passages={language: sha256 for result in results for language, sha256 in result.provenance.passages.items()}
        or {language: passages_hash(loaded, language) for language in loaded.passage_languages if language in pools},
        measures=measures,
        out=out,
        progress=progress,
    )


def _common(paths: Sequence[Path]) -> dict[Setting, list[Path]]:
    """The settings that all sides have, with their files."""
    sides = [_files(path) for path in paths]
    common = [setting for setting in sides[0] if all(setting in side for side in sides)]
    if not common:
        raise HybridBenchError("the runs have no setting in common", "Fuse runs of the same suite and settings.")
    return {setting: [side[setting] for side in sides] for setting in common}


def _files(path: Path) -> dict[Setting, Path]:
    if path.is_dir():
        return trec.folder_settings(path)
    if path.suffix != ".json":
        raise HybridBenchError(f"{path} is one run among folders or results", "Give the same kind for every side.")
    result = Result.read(path)
    folder = result.runs_folder
    if folder is None:
        raise HybridBenchError(
            f"{path} has no runs", "Make runs with `hybrid-bench evaluate ... --runs FOLDER` and give the folder."
        )
    found = {}
    for pair, sha256 in result.runs.items():
        setting = Setting(*pair.split(":"))
        file = folder / trec.file_name(setting)
        if trec.digest(file) != sha256:
            raise HybridBenchError(
                f"{file} is not the run that {path} was scored from: it is missing, truncated or another one",
                f"Run: hybrid-bench reproduce {path}",
            )
        found[setting] = file
    return found


def _results(paths: Sequence[Path]) -> list[Result]:
    """The results among the sides. Runs alone do not say what they are of.

    Raises:
        HybridBenchError: if they are of different queries or passages.
    """
    results = [Result.read(path) for path in paths if path.suffix == ".json"]
    for part in ("passages", "queries"):
        known: dict[str, tuple[str, str]] = {}
        for result in results:
            for language, sha256 in getattr(result.provenance, part).items():
                name, first = known.setdefault(language, (result.name, sha256))
                if first != sha256:
                    raise HybridBenchError(
                        f"{name} and {result.name} are of different {part} in {language}", "Fuse runs of the same data."
                    )
    return results


def _check_pools(results: Sequence[Result], settings: Iterable[Setting]) -> None:
    """Refuse results whose pool of all languages is not of the same languages."""
    pools = {result.name: sorted(result.provenance.passages) for result in results}
    if ALL in {setting.pool for setting in settings} and len(set(map(tuple, pools.values()))) > 1:
        said = "; ".join(f"{name}: {', '.join(languages)}" for name, languages in pools.items())
        raise HybridBenchError(f"the pools of all languages are not the same ({said})", "Fuse runs of the same languages.")


def _check_suite(results: Sequence[Result], suite: Suite, settings: Sequence[Setting]) -> None:
    """Refuse results of other queries than the suite's, or of another pool of all languages."""
    several = len(suite.passage_languages) > 1
    for result in results:
        if several and ALL in {s.pool for s in settings} and {*result.provenance.passages} != {*suite.passage_languages}:
            raise HybridBenchError(
                f"the pool of all languages of {result.name} has other languages than {suite.name}",
                f"It is of {result.suite}: use its --languages or settings that both have.",
            )
    for language in dict.fromkeys(setting.query_language for setting in settings) if results else ():
        sha256 = queries_hash(suite, language)
        for result in results:
            if result.provenance.queries.get(language, sha256) != sha256:
                raise HybridBenchError(
                    f"{result.name} was scored on other queries in {language} than {suite.name} has (on {result.suite})",
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
                f"{file} has the query {query_id!r}, which the suite has not in {setting.query_language}",
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
