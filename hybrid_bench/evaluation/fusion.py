"""Fusion of runs, or of folders of runs setting by setting, into runs or a result."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.datasets.hashes import passages_hash
from hybrid_bench.datasets.parts import Item
from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.evaluation.assemble import SearcherIdentity
from hybrid_bench.evaluation.fusion_inputs import (
    check_inside,
    check_overlap,
    check_pools,
    check_suite,
    common_runs,
    files_by_setting,
    name_of,
    results_among,
)
from hybrid_bench.evaluation.ranks_from_runs import pool_ids
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


def fuse_files(paths: Sequence[Path], fusion: Fusion, output: Path, tag: str, *, overwrite: bool = False) -> list[Path]:
    """Fuse run files into a run file, or folders of runs into a folder, setting by setting.

    Args:
        paths: of the runs.
        fusion: method and weights.
        output: file or folder.
        tag: name of the fused runs.
        overwrite: replace the runs of anything else in the folder.

    Raises:
        HybridBenchError: if a run is malformed, the folders have no setting in common, or the runs are of different data.
    """
    if not any(path.is_dir() or path.suffix == ".json" for path in paths):
        runs = [trec.read(path) for path in paths]
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
        runs = [trec.read(file) for file in files]
        if pool in (query_set, ALL):  # across languages a lexical searcher may retrieve almost nothing
            check_overlap(runs, files)
        trec.write(fusion.of(runs), written[-1], tag, identity)
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
            check_inside(run, file, setting, asked, self._pools.get(setting.pool))
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
    files = files_by_setting(paths, loaded, suite)
    results = results_among(paths)
    check_suite(results, loaded, list(files))
    names = [name_of(path) for path in paths]
    hashes = [trec.digest(file) for of_setting in files.values() for file in of_setting]
    searcher = FusedRuns(
        suite=loaded,
        files=files,
        fusion=fusion,
        identity=SearcherIdentity(
            card={"name": name or f"{fusion.name}({'+'.join(names)})", **fusion.card(names)},
            fingerprint=texts_hash([*fusion.words(), *hashes]),
            dtype="+".join(sorted({result.provenance.dtype for result in results})) or "fp32",
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
