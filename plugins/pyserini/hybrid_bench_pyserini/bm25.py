"""The BM25 baseline on every setting of a suite."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
from collections.abc import Callable, Sequence

from hybrid_bench import HybridBenchError, Result, Setting, Suite, load_suite
from hybrid_bench.plugin import Progress, RunOptions, SilentProgress, UnknownNameError, evaluate_runs
from hybrid_bench_pyserini import analyzers
from hybrid_bench_pyserini.bm25_options import Machine, Options
from hybrid_bench_pyserini.bm25_searcher import BM25Searcher, languages_of


def evaluate_bm25(
    suite: Suite | str,
    options: Options | None = None,
    *,
    languages: Sequence[str] | None = None,
    settings: Callable[[Sequence[Setting]], Sequence[Setting]] | None = None,
    runs: RunOptions | None = None,
    drop_own: bool | None = None,
    machine: Machine | None = None,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> Result:
    """Index, search and score a suite with BM25.

    Args:
        suite: a suite or the name of one.
        options: k1, b, depth and analyzers.
        languages: restrict the suite to these languages; all by default.
        settings: function that selects among the settings; all by default.
        runs: measures, the folder of results in which runs are kept, and whether odd data are refused.
        drop_own: whether the passage with the query's id is left out of what it finds; the suite's rule by default.
        machine: folder of the indexes, and threads.
        command: further words of the command line that reproduces the result.
        progress: progress reporting.

    Raises:
        HybridBenchError: if Java is missing, a language has no analyzer, an index is incomplete, no query has a term, or ``runs``
            states a depth or settings, which have arguments of their own.
    """
    options, runs, machine = options or Options(), runs or RunOptions(), machine or Machine()
    if runs.depth != RunOptions().depth or runs.settings is not None:
        raise HybridBenchError(
            "the depth and the settings in runs= have no effect on BM25", "State them as Options(depth=...) and settings=..."
        )
    loaded = load_suite(suite) if isinstance(suite, str) else suite
    known = languages_of(loaded)
    for language in analyzers.parse_choices(options.analyzer):
        if language not in known:
            raise UnknownNameError(f"language of {loaded.name}", language, list(known))
    asked = loaded.restrict(languages) if languages else loaded
    if drop_own is not None:
        asked = dataclasses.replace(asked, drops_own=drop_own)
    chosen = list(settings(asked.settings) if settings else asked.settings)
    searcher = BM25Searcher(asked, options, chosen, machine, progress or SilentProgress())
    with contextlib.closing(searcher):
        return evaluate_runs(
            searcher,
            asked,
            command=shlex.join(["hybrid-bench", "baseline", "bm25", "--suite", loaded.asked_as, *command]),
            options=dataclasses.replace(runs, depth=options.depth, settings=chosen, survey=True),
            progress=progress,
        )
