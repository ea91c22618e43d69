"""The main job: an encoder on a suite, from texts or images to a result."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.embeddings.given import GivenVectors
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.evaluation.assemble import SearcherIdentity, assemble
from hybrid_bench.evaluation.check import check_ranks
from hybrid_bench.evaluation.exact import ExactSearch
from hybrid_bench.evaluation.identity import Data, digest, renamed, target
from hybrid_bench.evaluation.loading import notes_on, searched, words_of
from hybrid_bench.evaluation.options import DEPTH, EvaluationOptions
from hybrid_bench.evaluation.provenance import Phases, command_line
from hybrid_bench.evaluation.searchers import as_searcher, evaluate_searcher
from hybrid_bench.results import run_folder
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.record import Result
from hybrid_bench.retrieval.exact import full_runs
from hybrid_bench.retrieval.exact.full_runs import FullRuns
from hybrid_bench.support import cache
from hybrid_bench.support.progress import Progress, SilentProgress


def evaluate(
    encoder: Encoder | GivenVectors | str | Any,
    suite: Suite | str = "mini",
    *,
    options: EvaluationOptions | None = None,
    progress: Progress | None = None,
) -> Result:
    """Score an encoder on a suite in every setting that the suite has.

    Every text or image is encoded once and kept in the store; a second evaluation encodes nothing. A large suite
    (:attr:`Suite.large`) is never held in memory: it is searched to a depth and its runs are scored by ir_measures.

    Args:
        encoder: an encoder or the name of one, see :func:`hybrid_bench.load_encoder`; a SentenceTransformer or another object
            that encodes, see :func:`hybrid_bench.as_encoder`; or vectors, see :func:`hybrid_bench.load_vectors`.
        suite: a suite or the name of one, see :func:`hybrid_bench.load_suite`.
        options: what is chosen other than by default.
        progress: where to report.

    Returns:
        The result, with scores, provenance and ranks; :meth:`Result.save` writes it. An equal one that is in the folder
        ``options.results`` already is read from there instead, and has a :attr:`Result.path`.

    Raises:
        HybridBenchError: if the encoder, the suite, an option or the machine is at fault.
    """
    options = options or EvaluationOptions()
    progress = progress or SilentProgress()
    asked = options.restricted(load_suite(suite) if isinstance(suite, str) else suite)
    searcher = None if isinstance(encoder, (str, GivenVectors, Encoder)) else as_searcher(encoder, asked)
    if searcher:
        return evaluate_searcher(searcher, asked, options, progress)
    options.check_effect(asked)
    options.measures_on(asked)  # an unknown measure is found before the long work begins
    if asked.large:
        from hybrid_bench.evaluation.streamed import evaluate_large

        return evaluate_large(encoder, asked, options, progress=progress)
    return _evaluate_exactly(encoder, asked, options, progress)


def _evaluate_exactly(
    encoder: Encoder | GivenVectors | str | Any, suite: Suite, options: EvaluationOptions, progress: Progress
) -> Result:
    executor = options.make_executor()
    wanted = options.runs_wanted(suite)
    phases = Phases()
    with phases.measure("load"):
        loaded = searched(suite, encoder, options, progress)
    search = ExactSearch(
        loaded,
        suite,
        EmbeddingStore(options.store or cache.home() / "embeddings"),
        passage_text=options.passage_text,
        progress=progress,
        phases=phases,
        strict=options.strict,
        for_runs=options.runs is not None,
    )
    measures = options.measures_on(suite)
    identity = renamed(search.identity, options.name)
    with phases.measure("load"):
        depends = digest(suite, identity, search.data, settings=suite.settings, measures=measures)
        to = target(options.results, suite, identity, depends, overwrite=options.overwrite, keep=options.keep)
    if to.done and not options.check and options.runs is None:
        return to.done
    runs = _Runs.prepared(options, suite, identity, search.data)
    for grid in search.grids():
        ranks = search.rank(grid, executor)
        if runs and (written := runs.write(grid.full_runs(), ranks, wanted)):
            progress.say(f"wrote {written} runs into {runs.folder}")
        if options.check:
            check_ranks(grid.full_runs(), ranks, suite, measures, progress)
    words, stated = words_of(encoder, loaded, options)
    evidence = search.evidence(measures)
    return assemble(
        suite,
        identity,
        dataclasses.replace(evidence, notes=[*notes_on(options, loaded), *evidence.notes]),
        command=command_line(["evaluate", *words, "--suite", suite.asked_as], stated | options.words(suite)),
        identity=to.identity,
        variant=to.variant,
    )


@dataclass(frozen=True)
class _Runs:
    """The runs that are written into ``options.runs``."""

    folder: Path
    depth: int
    name: str
    identity: str

    @classmethod
    def prepared(cls, options: EvaluationOptions, suite: Suite, searcher: SearcherIdentity, data: Data) -> _Runs | None:
        """Check the folder before anything is encoded; runs do not depend on measures, but on their depth."""
        if options.runs is None:
            return None
        depth = options.depth or DEPTH
        identity = digest(suite, searcher, data, settings=suite.settings, depth=depth)
        run_folder.prepare(options.runs, identity, overwrite=options.overwrite)
        return cls(options.runs, depth, searcher.name.rpartition("/")[2], identity)

    def write(self, full: FullRuns, ranks: Ranks, settings: Sequence[Setting]) -> int:
        """Write the runs of a grid; returns how many."""
        inside = [setting for setting in settings if setting in full.settings]
        return len(
            full_runs.write(full, inside, self.folder, ranks=ranks, depth=self.depth, tag=self.name, identity=self.identity)
        )
