"""The main job: an encoder on a suite, from texts or images to a result."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.evaluation.assemble import assemble
from hybrid_bench.evaluation.check import check_ranks
from hybrid_bench.evaluation.exact import ExactSearch
from hybrid_bench.evaluation.loading import encoder_for
from hybrid_bench.evaluation.options import DEPTH, EvaluationOptions
from hybrid_bench.evaluation.provenance import Phases, command_line
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.record import Result
from hybrid_bench.retrieval.exact import full_runs
from hybrid_bench.retrieval.exact.full_runs import FullRuns
from hybrid_bench.support import cache
from hybrid_bench.support.progress import Progress, SilentProgress


def evaluate(
    encoder: Encoder | str,
    suite: Suite | str = "mini",
    *,
    options: EvaluationOptions | None = None,
    progress: Progress | None = None,
) -> Result:
    """Score an encoder on a suite in every setting that the suite has.

    Every text or image is encoded once and kept in the store; a second evaluation encodes nothing. A large suite
    (:attr:`Suite.large`) is never held in memory: it is searched to a depth and its runs are scored by ir_measures.

    Args:
        encoder: an encoder or the name of one, see :func:`hybrid_bench.load_encoder`.
        suite: a suite or the name of one, see :func:`hybrid_bench.load_suite`.
        options: what is chosen other than by default.
        progress: where to report.

    Returns:
        The result, with scores, provenance and ranks; :meth:`Result.save` writes it.

    Raises:
        HybridBenchError: if the encoder, the suite, an option or the machine is at fault.
    """
    options = options or EvaluationOptions()
    progress = progress or SilentProgress()
    asked = options.restricted(load_suite(suite) if isinstance(suite, str) else suite)
    options.check_effect(asked)
    options.measures_on(asked)  # an unknown measure is found before the long work begins
    if asked.large:
        from hybrid_bench.evaluation.streamed import evaluate_large

        return evaluate_large(encoder, asked, options, progress=progress)
    return _evaluate_exactly(encoder, asked, options, progress)


def _evaluate_exactly(encoder: Encoder | str, suite: Suite, options: EvaluationOptions, progress: Progress) -> Result:
    executor = options.make_executor()
    wanted = options.runs_wanted(suite)
    phases = Phases()
    with phases.measure("load"):
        loaded = encoder_for(suite, encoder, options)
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
    for grid in search.grids():
        ranks = search.rank(grid, executor)
        if written := _write_runs(grid.full_runs(), ranks, wanted, options, loaded.card.name):
            progress.say(f"wrote {written} runs into {options.runs}")
        if options.check:
            check_ranks(grid.full_runs(), ranks, suite, measures, progress)
    words = ["evaluate", encoder if isinstance(encoder, str) else loaded.card.name, "--suite", suite.asked_as]
    stated = options.encoder_options | {"dtype": loaded.dtype, "device": loaded.device} | options.words(suite)
    return assemble(suite, search.identity, search.evidence(measures), command=command_line(words, stated))


def _write_runs(full: FullRuns, ranks: Ranks, settings: Sequence[Setting], options: EvaluationOptions, name: str) -> int:
    """Write the runs of a grid into ``options.runs``; returns how many."""
    if options.runs is None:
        return 0
    inside = [setting for setting in settings if setting in full.settings]
    tag = name.rpartition("/")[2]
    return len(full_runs.write(full, inside, options.runs, ranks=ranks, depth=options.depth or DEPTH, tag=tag))
