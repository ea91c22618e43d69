"""Searchers of other toolkits, such as their pipelines, in :func:`hybrid_bench.evaluate`.

Entry-point group ``hybrid_bench.searchers``: the object is a callable that takes any object and a suite, and returns a
:class:`hybrid_bench.plugin.Searcher` of that suite if the object is one of its toolkit, else None. It must not import the
toolkit: who has an object of it has imported it. In a plugin's ``pyproject.toml``::

    [project.entry-points."hybrid_bench.searchers"]
    my-toolkit = "my_plugin.searcher:from_object"
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.assemble import SearcherIdentity
from hybrid_bench.evaluation.identity import renamed
from hybrid_bench.evaluation.options import DEPTH, RUN_MEASURES, EvaluationOptions
from hybrid_bench.evaluation.provenance import command_line
from hybrid_bench.evaluation.runs import RunOptions, Searcher, evaluate_runs
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.registry import Registry
from hybrid_bench.results.files import file_stem, suite_folder
from hybrid_bench.results.record import Result
from hybrid_bench.support.progress import Progress

REGISTRY: Registry[Callable[[Any, Suite], Searcher | None]] = Registry(
    "hybrid_bench.searchers", "kind of searchers", cast(Any, Callable)
)


def as_searcher(found: Any, suite: Suite) -> Searcher | None:
    """A searcher of a suite from an object of another toolkit; None if no plugin knows it.

    Raises:
        HybridBenchError: if it cannot search the suite.
    """
    made = (REGISTRY.get(name)(found, suite) for name in REGISTRY)
    return next((searcher for searcher in made if searcher is not None), None)


def evaluate_searcher(searcher: Searcher, suite: Suite, options: EvaluationOptions, progress: Progress) -> Result:
    """Score a searcher on a suite, from runs of all settings.

    Args:
        searcher: that searches the suite.
        suite: restricted to the languages that are evaluated.
        options: measures, depth, name, and the folder of results; options of encoders have no effect.
        progress: where to report.

    Raises:
        HybridBenchError: if an option has no effect, or as by :func:`hybrid_bench.plugin.evaluate_runs`.
    """
    options.check_effect(suite, to_a_depth=True)
    unused = [
        *options.encoder_options,
        *(name for name in ("store", "storage", "workers", "features") if getattr(options, name) is not None),
    ]
    if unused:
        raise HybridBenchError(
            f"the option {unused[0]} has no effect on {searcher.identity.name}, which searches itself", "Leave it out."
        )
    usual = RUN_MEASURES if suite.large else DEFAULT_MEASURES
    measures = options.measures or usual
    identity = renamed(searcher.identity, options.name)
    stated = {
        "run": _runs(options.results, suite, identity),
        "suite": suite.asked_as,
        "languages": ",".join(suite.languages) if suite.base else None,
        "measures": " ".join(measures) if tuple(measures) != usual else None,
        "run_depth": options.depth,
        "name": identity.name,
        **options.words_on_own,
    }
    return evaluate_runs(
        _Renamed(searcher, identity) if options.name else searcher,
        suite,
        command=command_line(["evaluate"], stated),
        options=RunOptions(
            measures,
            options.depth or DEPTH,
            results=options.results,
            strict=options.strict,
            overwrite=options.overwrite,
            keep=options.keep,
        ),
        progress=progress,
    )


def _runs(results: Path | None, suite: Suite, identity: SearcherIdentity) -> str | None:
    """The folder of the runs, from which a result can be scored again: an object of a program has no command line."""
    if results is None:
        return None
    return (
        suite_folder(results, suite.name) / f"{file_stem(identity.name, identity.passage_text, identity.dtype)}.runs"
    ).as_posix()


class _Renamed:
    """A searcher by another name."""

    def __init__(self, searcher: Searcher, identity: SearcherIdentity) -> None:
        self._searcher = searcher
        self.identity = identity

    def __getattr__(self, name: str) -> Any:
        return getattr(self._searcher, name)
