"""The options of an evaluation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from hybrid_bench.datasets.limit import has_some_languages, limited
from hybrid_bench.datasets.parts import PassageText
from hybrid_bench.datasets.settings import Setting, parse_settings
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.embeddings.stored_collection import Storage
from hybrid_bench.encoders.precomputed import FeatureFiles
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.execution.protocol import REGISTRY as EXECUTORS
from hybrid_bench.execution.protocol import Executor
from hybrid_bench.measures.from_ranks import known, parse
from hybrid_bench.measures.scores import DEFAULT_MEASURES

#: The measures of runs that are cut at a depth.
RUN_MEASURES = ("nDCG@10", "R@100")
#: Passages a query of a run, at most.
DEPTH = 1000
#: The number format of a large suite's vectors on disk.
STORAGE: Storage = "fp16"


@dataclass(frozen=True)
class EvaluationOptions:
    """Options of an evaluation. An option that has no effect on a suite is an error.

    Attributes:
        languages: evaluate only these languages of the suite; pools of several collections shrink with them. All by default.
        passage_text: what the encoder reads of a passage: ``sentence`` or ``sentence+context``.
        measures: names of measures. On a suite whose scores are computed from ranks: AP, RR, nDCG, R, P or Success with or
            without ``@cutoff``; on a large suite any of ir_measures. By default :data:`DEFAULT_MEASURES`
            or those of the suite, and :data:`RUN_MEASURES`.
        encoder: options of :func:`hybrid_bench.load_encoder` (dtype, device, ...), for an encoder that is given by name.
        store: folder of the vectors; by default in the cache.
        executor: name of an executor, see ``hybrid_bench.executors``; by default ``local``.
        workers: processes or cluster nodes of the executor.
        address: of the executor's cluster.
        storage: number format of a large suite's passage vectors on disk: ``fp16`` (the default) or ``fp32``.
        depth: passages a query in runs, at most; 1000 by default.
        runs: folder into which TREC runs are written; not on a large suite.
        results: folder of results. An equal result in it is not computed again; the runs of a large suite are kept there, beside
            the file that :meth:`Result.save` writes.
        name: of the encoder in the result, its files and runs; by default that on its card.
        overwrite: compute an equal result again, and replace one of the same name, and runs, whatever they are of.
        keep: files of results that are not replaced all the same.
        run_settings: which runs: kinds of settings (``monolingual``), or pairs (``en:de``, ``en:all``); all by default.
        check: score every setting again through ir_measures from full runs, and compare.
        drop_own: whether the passage with the query's id is left out of what the query finds; the suite's rule by default.
        strict: refuse a suite whose data are odd (see docs/guides/own-collections.md) instead of noting it.
        features: array of precomputed image features, saved by numpy, in place of images that are the user's own; for encoders
            that take them.
        names: the names of their images, one a line.
        available: of a suite of images that are the user's own, evaluate on those that are there; the result names the subset.
        limit: the first queries of each query set alone, on few passages: a quick look, see :mod:`hybrid_bench.datasets.limit`.
    """

    languages: tuple[str, ...] | None = None
    passage_text: PassageText = "sentence"
    measures: tuple[str, ...] | None = None
    encoder: Mapping[str, Any] = field(default_factory=dict)
    store: Path | None = None
    executor: str = "local"
    workers: int | None = None
    address: str | None = None
    storage: Storage | None = None
    depth: int | None = None
    runs: Path | None = None
    results: Path | None = None
    name: str = ""
    overwrite: bool = False
    keep: tuple[Path, ...] = ()
    run_settings: tuple[str, ...] = ()
    check: bool = False
    drop_own: bool | None = None
    strict: bool = False
    available: bool = False
    features: Path | None = None
    names: Path | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without a suite; folders may be given as texts.

        Raises:
            HybridBenchError: if a value is not one of those that an option has.
        """
        for name in ("store", "runs", "results", "features", "names"):
            if isinstance(getattr(self, name), str):
                object.__setattr__(self, name, Path(getattr(self, name)))
        if FeatureFiles.given(self.features, self.names) and self.available:
            raise HybridBenchError("the option available has no effect on precomputed features", "Leave --available out.")
        if self.passage_text not in get_args(PassageText):
            raise UnknownNameError("passage text", self.passage_text, get_args(PassageText))
        if self.storage not in (None, *get_args(Storage)):
            raise UnknownNameError("storage", str(self.storage), get_args(Storage))
        if self.depth is not None and self.depth < 1:
            raise HybridBenchError(f"a run of {self.depth} passages a query is empty", "Use a depth of 1 or more.")

    def check_effect(self, suite: Suite, *, to_a_depth: bool | None = None) -> None:
        """Refuse options that have no effect on a suite.

        Args:
            suite: that is searched.
            to_a_depth: whether it is searched to a depth and scored from runs; by default if it is large.

        Raises:
            HybridBenchError: that names the first option without effect and says what to do.
        """
        if suite.large if to_a_depth is None else to_a_depth:
            why, without_effect = (
                f"{suite.name} is searched to a depth, and its runs are scored by ir_measures",
                [
                    ("check", self.check, "Leave --check out."),
                    ("runs", self.runs is not None, "Its runs are written beside its result (--out): leave --runs out."),
                    ("run_settings", bool(self.run_settings), "All of its runs are written: leave --run-settings out."),
                ],
            )
        else:
            why, without_effect = (
                f"all scores of {suite.name} are computed exactly, in memory",
                [
                    ("storage", self.storage is not None, "Leave --storage out."),
                    ("workers", self.workers is not None and self.executor == "local", "Leave --workers out."),
                    ("depth", self.depth is not None and self.runs is None, "Leave --run-depth out, or write runs with --runs."),
                    ("run_settings", bool(self.run_settings) and self.runs is None, "Name a folder for the runs with --runs."),
                ],
            )
        for name, given, remedy in without_effect:
            if given:
                raise HybridBenchError(f"the option {name} has no effect: {why}", remedy)
        if self.passage_text != "sentence" and not any(of.modality == "text" for of in suite.collections):
            raise HybridBenchError(
                f"the option passage_text has no effect: {suite.name} has no collection of texts", "Leave --passage-text out."
            )

    def restricted(self, suite: Suite) -> Suite:
        """The suite with the languages and images that are asked for, its limit, and the rule for passages with the query's id.

        Raises:
            HybridBenchError: if the available images or features in their place are asked for, and the suite has no images that
                are the user's own.
        """
        if self.features:
            if suite.by_name is None:
                raise HybridBenchError(
                    f"the option features has no effect: {suite.name} needs no images of the user's own",
                    "Leave --features and --names out.",
                )
            suite = suite.by_name()
        if self.available:
            if suite.available is None:
                raise HybridBenchError(
                    f"the option available has no effect: {suite.name} needs no images of the user's own",
                    "Leave --available out.",
                )
            suite = suite.available()
        asked = suite.restrict(self.languages) if self.languages else suite
        asked = limited(asked, self.limit) if self.limit is not None else asked
        return asked if self.drop_own is None else dataclasses.replace(asked, drops_own=self.drop_own)

    def measures_on(self, suite: Suite, *, to_a_depth: bool | None = None) -> list[str]:
        """The names of the measures, as ir_measures writes them.

        Args:
            suite: that is searched.
            to_a_depth: whether it is searched to a depth and scored from runs; by default if it is large.

        Raises:
            HybridBenchError: if one is unknown, or cannot be computed from ranks where it has to be.
        """
        from_runs = suite.large if to_a_depth is None else to_a_depth
        chosen = list(self.measures or (RUN_MEASURES if from_runs else suite.measures or DEFAULT_MEASURES))
        return [str(measure) for measure in (known(chosen) if from_runs else parse(chosen))]

    def runs_wanted(self, suite: Suite) -> list[Setting]:
        """The settings whose runs are written; all where none is named."""
        return parse_settings(self.run_settings, suite.settings)

    def make_executor(self) -> Executor:
        """The executor.

        Raises:
            UnknownNameError: if there is none of this name.
        """
        if self.executor not in EXECUTORS:
            raise UnknownNameError("executor", self.executor, EXECUTORS, "Plugins add others: docs/guides/clusters.md.")
        stated = {"workers": self.workers, "address": self.address}
        return EXECUTORS.get(self.executor)(**{name: value for name, value in stated.items() if value is not None})

    @property
    def encoder_options(self) -> dict[str, Any]:
        """The options of the encoder that are stated."""
        return {name: value for name, value in self.encoder.items() if value is not None and value is not False}

    @property
    def words_on_own(self) -> dict[str, bool | None]:
        """The words of the command line for :attr:`drop_own`."""
        return {"drop_own": self.drop_own or None, "keep_own": True if self.drop_own is False else None}

    def words(self, suite: Suite) -> dict[str, str | bool | None]:
        """The options of the command line that scores on a suite depend on, without defaults.

        Args:
            suite: restricted to the languages that are evaluated.
        """
        usual = RUN_MEASURES if suite.large else suite.measures or DEFAULT_MEASURES
        measures = self.measures_on(suite)
        return {
            "languages": ",".join(suite.languages) if has_some_languages(suite) else None,
            "limit": str(suite.limit) if suite.limit else None,
            "name": self.name or None,
            "passage_text": self.passage_text if self.passage_text != "sentence" else None,
            "measures": " ".join(measures) if tuple(measures) != usual else None,
            **self.words_on_own,
            "available": self.available or None,
            "features": self.features.as_posix() if self.features else None,
            "names": self.names.as_posix() if self.names else None,
            "storage": self.storage if self.storage not in (None, STORAGE) else None,
            "run_depth": str(self.depth) if suite.large and self.depth not in (None, DEPTH) else None,
        }
