"""The study ``robustness``: encoders on suites of low-resource languages or of domains."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hybrid_bench.datasets.downloads import MIRROR_VARIABLE
from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.evaluate import evaluate
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.results.files import suite_folder
from hybrid_bench.results.folder import read_all
from hybrid_bench.results.record import Result
from hybrid_bench.support.progress import Progress

#: Name of a group to its suites.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "low-resource": ("afriqa", "flores200", "tico19"),
    "domains": ("squadshifts", "question-sources"),
    "beir": ("beir/nfcorpus/test", "beir/scifact/test"),
}


@dataclass
class Outcome:
    """What a study found.

    Attributes:
        results: suite to the results on it, in the order of the encoders; suites without any are left out.
        missing: suite to why it could not be evaluated.
        absent: suite to why searchers that were to be reported too are left out, each a clause.
        subject: the last encoder, which the answer is about.
    """

    results: dict[str, list[Result]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    absent: dict[str, list[str]] = field(default_factory=dict)
    subject: str = ""


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
    beside: Sequence[str] = (),
    progress: Progress | None = None,
) -> Outcome:
    """Evaluate every encoder on every suite. Results in the folder are reused, so that an interrupted study resumes.

    A suite whose files cannot be had is left out and reported; the others run.

    Args:
        encoders: names of encoders.
        suites: names of suites.
        options: of the evaluations.
        folder: of results.
        beside: results of other searchers that are reported too: files, folders of results, or names of results in ``folder``.
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
            outcome.missing[name] = _without_places(f"{error.problem}. {error.remedy}".strip())
            continue
        found = []
        for encoder in encoders:
            result = evaluate(encoder, suite, options=dataclasses.replace(options, results=folder), progress=progress)
            if result.path is None:
                result.save(folder)
            found.append(result)
        outcome.subject = found[-1].name
        for one in beside:
            known = {result.name for result in found}
            others = [result for result in beside_on(one, suite.name, folder) if result.name not in known]
            without = [
                f"the result of {other.name} on {suite.name} has no ranks of all questions"
                for other in others
                if not other.has_ranks
            ]
            if without or not others:
                outcome.absent.setdefault(name, []).extend(without or [f"there is no result of {one} on {suite.name}"])
            found += [other for other in others if other.has_ranks]
        outcome.results[name] = found
    if not outcome.results:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in outcome.missing.items())
        raise HybridBenchError(f"no suite of the study can be evaluated: {reasons}", "Get the files of one, as said there.")
    return outcome


def _without_places(text: str) -> str:
    """A text without the folder of the mirror, which a report for others should not name."""
    mirror = os.environ.get(MIRROR_VARIABLE, "")
    return text.replace(mirror, f"${MIRROR_VARIABLE}") if mirror else text


def beside_on(named: str, suite: str, folder: Path) -> list[Result]:
    """The results of other searchers on a suite.

    Args:
        named: a file or a folder of results, or the name of a result.
        suite: its name.
        folder: of results by name.

    Raises:
        HybridBenchError: if a file or a result cannot be read.
    """
    path = Path(named)
    if path.suffix == ".json" or path.is_dir():
        return [result for result in read_all([path]) if result.suite == suite]
    files = sorted(suite_folder(folder, suite).glob("*.json"))
    return [result for result in map(Result.read, files) if result.name == named][:1]
