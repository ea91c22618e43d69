"""Runs that are given in files: of one searcher, to be scored, or of several, to be fused."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.hashes import passages_hash
from hybrid_bench.datasets.parts import Item
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation import ranked_positions
from hybrid_bench.evaluation.assemble import SearcherIdentity
from hybrid_bench.evaluation.fusion_inputs import (
    check_inside,
    check_suite,
    files_by_setting,
    name_of,
    results_among,
    setting_named,
)
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.evaluation.provenance import command_line
from hybrid_bench.evaluation.ranks_from_runs import pool_ids
from hybrid_bench.evaluation.runs import AS_GIVEN, RunOptions, evaluate_runs
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.results import predictions
from hybrid_bench.results import runs as trec
from hybrid_bench.results.predictions import Predictions
from hybrid_bench.results.record import Result
from hybrid_bench.results.runs import Run
from hybrid_bench.support.hashing import texts_hash
from hybrid_bench.support.progress import Progress


@dataclass
class GivenRuns:
    """A searcher whose runs are read from files; see :class:`hybrid_bench.evaluation.runs.Searcher`.

    Attributes:
        suite: that the runs are of.
        files: setting to the runs of all sides.
        combine: makes one run of those of all sides.
        hashes: collection to the hash of its passages, as the sides' results state them.
        identity: what a result states of the searcher.
        loaded: setting to its run, of settings whose file holds those of others too.
    """

    suite: Suite
    files: Mapping[Setting, Sequence[Path]]
    combine: Callable[[Sequence[Run]], Run]
    hashes: Mapping[str, str]
    identity: SearcherIdentity
    loaded: Mapping[Setting, Run] = field(default_factory=dict)
    exhaustive: bool = False
    _notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, paths: Sequence[Path], suite: Suite, combine: Callable[[Sequence[Run]], Run]) -> GivenRuns:
        """The runs of a suite's settings.

        Args:
            paths: of each side a run file (for one setting), a folder of runs, or a result that has runs.
            suite: that the runs are of.
            combine: makes one run of those of all sides.

        Raises:
            HybridBenchError: if they are of another suite, or a result's runs are missing or damaged.
        """
        files = files_by_setting(paths, suite)
        results = results_among(paths)
        check_suite(results, suite, list(files))
        hashes = {of: sha256 for result in results for of, sha256 in result.provenance.passages.items()}
        dtype = "+".join(sorted({result.provenance.dtype for result in results})) or "fp32"
        return cls(suite, files, combine, hashes, SearcherIdentity({"name": "runs"}, "", dtype=dtype))

    @classmethod
    def predicted(cls, path: Path, found: Predictions, suite: Suite) -> GivenRuns:
        """The runs of a suite's settings in a file of BEIR or mteb.

        Args:
            path: of the file.
            found: its content.
            suite: that the runs are of.

        Raises:
            HybridBenchError: if none is of a setting of the suite.
        """
        alone = suite.settings[0] if len(suite.settings) == len(found.runs) == 1 else None
        subsets = {subset: alone or setting_named(subset or path.stem, suite) for subset in found.runs}
        loaded = {setting: found.runs[subset] for subset, setting in subsets.items() if setting}
        if not loaded:
            named = ", ".join(filter(None, subsets)) or path.stem
            raise HybridBenchError(
                f"{path} has rankings of {named[:200]}, and none is a setting of {suite.name}",
                f"Name the suite that they are of, or the subset (or file) as the setting, e.g. {suite.settings[0].name}.",
            )
        known = [setting for setting in subsets.values() if setting]
        if len(loaded) < len(known):
            twice = next(setting.name for setting in loaded if known.count(setting) > 1)
            raise HybridBenchError(f"two subsets of {path} are of the setting {twice}", "Remove one from the file.")
        left_out = [subset for subset, setting in subsets.items() if setting is None]
        notes = list(found.notes)
        if left_out and not suite.base:
            notes.append(f"Left out of {path.name}, since {suite.name} has no such settings: {', '.join(left_out)}.")
        identity = SearcherIdentity({"name": "runs"}, "")
        return cls(suite, {setting: [path] for setting in loaded}, lambda runs: runs[0], {}, identity, loaded, _notes=notes)

    @property
    def digests(self) -> list[str]:
        """sha256 of each run."""
        return [trec.digest(file) for of_setting in self.files.values() for file in of_setting]

    def known_as(self, card: Mapping[str, Any], fingerprint: str) -> GivenRuns:
        """The same searcher with an identity."""
        return dataclasses.replace(self, identity=dataclasses.replace(self.identity, card=card, fingerprint=fingerprint))

    @functools.cached_property
    def _pools(self) -> dict[str, frozenset[str]]:
        return {pool: frozenset(ids) for pool, ids in pool_ids(self.suite).items()}

    @functools.cached_property
    def _read(self) -> Callable[[Setting], Run]:
        return functools.lru_cache(maxsize=1)(self._combined)  # queries are asked for in parts

    def _combined(self, setting: Setting) -> Run:
        given = self.loaded.get(setting)
        runs = [given] if given is not None else [trec.read(file, self._notes) for file in self.files[setting]]
        asked = {query.id for query in self.suite.queries(setting.query_set)}
        for run, file in zip(runs, self.files[setting], strict=True):
            check_inside(run, file, setting, asked, self._pools.get(setting.pool))
        return self.combine(runs)

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> Run:
        """The run of a setting."""
        return self._read(setting)

    def passages(self) -> Mapping[str, str]:
        """Collection to the hash of its passages."""
        known = (of.name for of in self.suite.collections if of.name in self._pools)
        return self.hashes or {name: passages_hash(self.suite, name) for name in known}

    def notes(self) -> Sequence[str]:
        """The forms of other programs in which runs were written."""
        return self._notes


def evaluate_given(path: Path, suite: Suite, options: EvaluationOptions, progress: Progress | None = None) -> Result:
    """Score runs of a searcher that this program does not know.

    Args:
        path: a run file (for one setting), a folder of runs, a result that has runs, a JSON file of BEIR or mteb, or a folder of
            ranked lists of IGLUE.
        suite: that the runs are of.
        options: languages, measures, depth (by default that of the runs), name, and the folder of results; others have no effect.
        progress: where to report.

    Raises:
        HybridBenchError: if a run is malformed or of another suite, or an option has no effect.
    """
    _check_effect(options)
    asked = options.restricted(suite)
    usual = asked.measures or DEFAULT_MEASURES
    measures = options.measures or usual
    found = predictions.read(path) if path.suffix == ".json" else None
    if found is not None:
        given = GivenRuns.predicted(path, found, asked)
        card = {"name": options.name or found.name or path.stem, "revision": found.revision or None}
    elif ranked_positions.files(path):
        lists, files = ranked_positions.read(path, asked)
        given = GivenRuns.predicted(path, lists, asked)
        given = dataclasses.replace(given, files={setting: [file] for setting, file in files.items()})
        card = {"name": options.name or lists.name}
    else:
        given = GivenRuns.of([path], asked, lambda runs: runs[0])
        card = {"name": options.name or name_of(path)}
    stated = {
        "run": path.as_posix(),
        "suite": suite.asked_as,
        "languages": ",".join(asked.languages) if asked.base else None,
        "name": options.name or None,
        "measures": " ".join(measures) if tuple(measures) != usual else None,
        "run_depth": options.depth,
        **options.words_on_own,
    }
    return evaluate_runs(
        given.known_as({**card, "kind": "run"}, texts_hash(given.digests)),
        asked,
        command=command_line(["evaluate"], stated),
        options=RunOptions(
            measures,
            options.depth or AS_GIVEN,
            list(given.files),
            options.results,
            options.strict,
            options.overwrite,
            options.keep,
        ),
        progress=progress,
    )


def _check_effect(options: EvaluationOptions) -> None:
    """Raise HybridBenchError if an option of an encoder or a search is given."""
    usual = EvaluationOptions()
    of_search = ("passage_text", "store", "executor", "workers", "address", "storage", "runs", "run_settings", "check", "limit",
                 "features")  # fmt: skip
    given = [name for name, value in options.encoder_options.items() if value not in ("auto", "fp32")]
    given += [name for name in of_search if getattr(options, name) != getattr(usual, name)]
    if given:
        raise HybridBenchError(f"the option {given[0]} has no effect on a run, which is scored as it is", "Leave it out.")
