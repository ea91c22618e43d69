"""Fusing runs, or folders of runs, setting by setting, into runs or a result."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.datasets.suite import Setting, Text
from hybrid_bench.datasets.suites import load_suite
from hybrid_bench.embeddings.key import texts_hash
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.progress import Progress
from hybrid_bench.results.record import Result
from hybrid_bench.retrieval import runs as trec
from hybrid_bench.retrieval.fusion import RRF_K, fuse
from hybrid_bench.retrieval.runs import Hit
from hybrid_bench.run_evaluation import Searcher, evaluate_runs


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
        HybridBenchError: if a run is malformed, or the folders have no setting in common.
    """
    if not any(path.is_dir() or path.suffix == ".json" for path in paths):
        trec.write(fusion.of([trec.read(path) for path in paths]), output, tag)
        return [output]
    written = []
    for setting, files in _common(paths).items():
        written.append(output / trec.file_name(setting))
        trec.write(fusion.of([trec.read(file) for file in files]), written[-1], tag)
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
    names = [_name(path) for path in paths]
    hashes = [trec.digest(file) for of_setting in files.values() for file in of_setting]

    def search(setting: Setting, queries: Sequence[Text]) -> Mapping[str, Sequence[Hit]]:
        runs = [trec.read(file) for file in files[setting]]
        asked = {query.id for query in queries}
        for run, file in zip(runs, files[setting], strict=True):
            if not asked & run.keys():
                raise HybridBenchError(f"{file} has none of the queries of {suite}", "Name the suite that the runs are of.")
        return fusion.of(runs)

    return evaluate_runs(
        Searcher(
            card={"name": name or f"{fusion.method}({'+'.join(names)})", **fusion.card(names)},
            fingerprint=texts_hash([*fusion.words(), *hashes]),
            search=search,
        ),
        loaded,
        command=shlex.join(
            ["hybrid-bench", "fuse", *(path.as_posix() for path in paths), "--suite", suite, *fusion.words()]
            + (["--name", name] if name else [])
            + (["--measures", " ".join(measures)] if tuple(measures) != tuple(DEFAULT_MEASURES) else [])
        ),
        depth=fusion.depth,
        settings=list(files),
        passages=_passages(paths),
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


def _passages(paths: Sequence[Path]) -> dict[str, str]:
    """What was searched, as the results among the sides say; runs alone do not."""
    known: dict[str, str] = {}
    for path in paths:
        if path.suffix == ".json":
            for language, sha256 in Result.read(path).provenance.passages.items():
                if known.setdefault(language, sha256) != sha256:
                    raise HybridBenchError(f"the runs are of different passages in {language}", "Fuse runs of the same data.")
    return known


def _name(path: Path) -> str:
    if path.suffix == ".json":
        return Result.read(path).name
    return path.name.removesuffix(trec.RUN_SUFFIX).removesuffix(".trec").removesuffix(".runs")
