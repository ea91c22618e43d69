"""The study ``robustness``: encoders on suites of low-resource languages or of domains."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.evaluate import evaluate
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.results.record import Result
from hybrid_bench.support.progress import Progress

#: Name of a group to its suites.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "low-resource": ("afriqa", "flores200", "tico19"),
    "domains": ("squadshifts",),
    "beir": ("beir/nfcorpus/test", "beir/scifact/test"),
}


@dataclass
class Outcome:
    """What a study found.

    Attributes:
        results: suite to the results on it, in the order of the encoders; suites without any are left out.
        missing: suite to why it could not be evaluated.
    """

    results: dict[str, list[Result]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def suites_of(names: Sequence[str]) -> list[str]:
    """The suites that names of suites and of groups stand for, each once.

    Raises:
        HybridBenchError: if none is named.
    """
    found = list(dict.fromkeys(suite for name in names for suite in GROUPS.get(name, (name,))))
    if not found:
        raise HybridBenchError("no suite is named", f"Name suites, or groups of them: {', '.join(GROUPS)}.")
    return found


def run(
    encoders: Sequence[str],
    suites: Sequence[str],
    options: EvaluationOptions,
    *,
    folder: Path,
    beside: Sequence[Result] = (),
    progress: Progress | None = None,
) -> Outcome:
    """Evaluate every encoder on every suite. Results in the folder are reused, so that an interrupted study resumes.

    A suite whose files cannot be had is left out and reported; the others run.

    Args:
        encoders: names of encoders.
        suites: names of suites.
        options: of the evaluations.
        folder: of results.
        beside: results of other searchers, e.g. BM25, that are reported too.
        progress: where to report.

    Raises:
        HybridBenchError: if no suite could be evaluated, with the reason of each; or if an encoder is at fault.
    """
    outcome = Outcome()
    loaded = {name: load_suite(name) for name in suites}
    for name, suite in loaded.items():
        try:
            for collection in suite.collections:
                next(iter(collection.passages()), None)
        except HybridBenchError as error:
            outcome.missing[name] = f"{error.problem}. {error.remedy}".strip()
            continue
        found = []
        for encoder in encoders:
            result = evaluate(encoder, suite, options=dataclasses.replace(options, results=folder), progress=progress)
            if result.path is None:
                result.save(folder)
            found.append(result)
        outcome.results[name] = [*found, *(result for result in beside if result.suite == name)]
    if not outcome.results:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in outcome.missing.items())
        raise HybridBenchError(f"no suite of the study can be evaluated: {reasons}", "Get the files of one, as said there.")
    return outcome
