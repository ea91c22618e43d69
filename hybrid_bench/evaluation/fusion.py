"""Fusion of runs, or of folders of runs setting by setting, into runs or a result."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.settings import ALL
from hybrid_bench.evaluation.fusion_inputs import (
    check_overlap,
    check_pools,
    common_runs,
    name_of,
    results_among,
)
from hybrid_bench.evaluation.given_runs import GivenRuns
from hybrid_bench.evaluation.runs import RunOptions, evaluate_runs
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.results import run_folder
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
        """The method and the options that differ from their defaults, so that different fusions have different names."""
        words = self.words()[2:]
        return self.method + "".join(
            f"-{option.lstrip('-')}={value}" for option, value in zip(words[::2], words[1::2], strict=True)
        )

    def card(self, names: Sequence[str]) -> dict[str, object]:
        """The card of a result."""
        stated: dict[str, object] = {"kind": "fusion", "method": self.method, "of": list(names)}
        if self.method == "rrf":
            return stated | {"rrf_k": self.rrf_k}
        weights = list(self.weights) if self.weights else [1 / len(names)] * len(names)
        missing = "lowest of the query" if self.normalisation == "z-score" else "0"
        return stated | {"normalisation": self.normalisation, "weights": weights, "passages not found": missing}

    def words(self) -> list[str]:
        """The options of the command line, without defaults."""
        words = ["--method", self.method]
        words += ["--normalisation", self.normalisation] if self.normalisation != "raw" else []
        words += ["--weights", ",".join(map(str, self.weights))] if self.weights else []
        words += ["--rrf-k", str(self.rrf_k)] if self.rrf_k != RRF_K else []
        return words + (["--depth", str(self.depth)] if self.depth != 1000 else [])


def fuse_files(
    paths: Sequence[Path], fusion: Fusion, output: Path, tag: str, *, overwrite: bool = False, notes: list[str] | None = None
) -> list[Path]:
    """Fuse run files into a run file, or folders of runs into a folder, setting by setting.

    Args:
        paths: of the runs.
        fusion: method and weights.
        output: file or folder.
        tag: name of the fused runs.
        overwrite: replace the runs of anything else in the folder.
        notes: receives the forms of other programs in which runs were written.

    Raises:
        HybridBenchError: if a run is malformed, the folders have no setting in common, or the runs are of different data.
    """
    if not any(path.is_dir() or path.suffix == ".json" for path in paths):
        runs = [trec.read(path, notes) for path in paths]
        check_overlap(runs, paths)
        trec.write(fusion.of(runs), output, tag)
        return [output]
    common = common_runs(paths)
    check_pools(results_among(paths), common)
    written = []
    hashes = [trec.digest(file) for files in common.values() for file in files]
    identity = texts_hash([*fusion.words(), *hashes])
    run_folder.prepare(output, identity, overwrite=overwrite)
    for (query_set, pool), files in common.items():
        written.append(output / trec.file_name(query_set, pool))
        runs = [trec.read(file, notes) for file in files]
        if pool in (query_set, ALL):  # across languages a lexical searcher may retrieve almost nothing
            check_overlap(runs, files)
        trec.write(fusion.of(runs), written[-1], tag, identity)
    return written


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
    given = GivenRuns.of(paths, load_suite(suite), fusion.of)
    names = [name_of(path) for path in paths]
    searcher = given.known_as(
        {"name": name or f"{fusion.name}({'+'.join(names)})", **fusion.card(names)}, texts_hash([*fusion.words(), *given.digests])
    )
    words = ["hybrid-bench", "fuse", *(path.as_posix() for path in paths), "--suite", given.suite.asked_as, *fusion.words()]
    words += ["--name", name] if name else []
    words += ["--measures", " ".join(options.measures)] if tuple(options.measures) != tuple(DEFAULT_MEASURES) else []
    return evaluate_runs(
        searcher,
        given.suite,
        command=shlex.join(words),
        options=dataclasses.replace(options, depth=fusion.depth, settings=list(given.files)),
        progress=progress,
    )
