"""Reproduction of a result: run the command that it states and compare."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.evaluation import reproducible
from hybrid_bench.results import runs as trec
from hybrid_bench.results.record import Result
from hybrid_bench.support import atomic


@dataclass(frozen=True)
class Comparison:
    """A result and its reproduction.

    Attributes:
        again: the new result; not saved.
        differences: one line per difference; empty if there is none.
        largest: the largest difference of a score.
        scores: number of scores that were compared.
        repaired: runs beside the result that were missing or damaged, and were restored.
    """

    again: Result
    differences: list[str]
    largest: float
    scores: int
    repaired: list[Path]


def reproduce(
    path: Path,
    *,
    suite: str = "",
    tolerance: float = 1e-6,
    say: Callable[[str], None] = lambda message: None,
    agree: Callable[[str], bool] = lambda question: False,
) -> Comparison:
    """Run the command of a result in a new process, and compare scores, data and runs.

    Runs beside the result that are missing or truncated are detected by their hashes, and replaced if the new ones have them.

    Args:
        path: of the result.
        suite: suite to load instead of the one that the result names, e.g. a local collection that has moved.
        tolerance: absolute, of scores.
        say: called with progress messages.
        agree: asked before a command is run that reaches outside of this machine, e.g. to download a model.

    Raises:
        HybridBenchError: if the command is not reproducible or not agreed to, the suite is not found, or the command fails.
    """
    result = Result.read(path)
    words = reproducible.parse(result.provenance.command)
    if reaching := reproducible.outside(words):
        question = f"The command of {path} reaches outside of this machine ({', '.join(reaching)}):\n  hybrid-bench "
        if not agree(f"{question}{shlex.join(words)}\nRun it?"):
            raise HybridBenchError(
                f"the command of {path} reaches outside of this machine and was not agreed to: hybrid-bench {shlex.join(words)}",
                f"If you trust {', '.join(reaching)}, run it with --yes.",
            )
    words = _on_suite(words, suite)
    damaged = result.damaged_runs()
    for setting in damaged:
        say(f"{result.run_files[setting]} is missing, truncated or a different run; it will be restored if it is reproduced")
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as folder:
        say(f"running: hybrid-bench {shlex.join(words)}")
        # The words are checked above, and no shell reads them.
        program = [sys.executable, "-m", "hybrid_bench", *words, "--out", folder]
        ended = subprocess.run(program, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
        if ended.returncode:
            raise HybridBenchError(
                f"the command of {path} ended with status {ended.returncode}: hybrid-bench {shlex.join(words)}",
                "Its error message is above.",
            )
        again = _written(Path(folder), words)
        repaired = _repair(damaged, result, again)
        differences, largest = _differences(result, again, tolerance)
    lost = [file for setting in damaged if (file := result.run_files[setting]) not in repaired]
    differences += [f"the run {file.name} beside the result could not be restored" for file in lost]
    return Comparison(again, differences, largest, len(result.rows), repaired)


def _on_suite(words: list[str], suite: str) -> list[str]:
    """The words with another suite; unchanged if none is given and their own exists."""
    at = words.index("--suite") + 1 if "--suite" in words[:-1] else 0
    if suite:
        return [*words[:at], suite, *words[at + 1 :]] if at else [*words, "--suite", suite]
    if at:
        try:
            load_suite(words[at])
        except UnknownNameError as error:
            raise HybridBenchError(
                f"the suite {words[at]!r} of the result is unknown, and the current folder has no folder of that name",
                "If it is a local collection, name its folder with --suite. If a plugin provides it, install the plugin.",
            ) from error
    return words


def _written(folder: Path, words: list[str]) -> Result:
    results = list(folder.glob("*/*.json"))
    if len(results) != 1:
        raise HybridBenchError(f"hybrid-bench {shlex.join(words)} wrote {len(results)} results, not one")
    return Result.read(results[0])


def _repair(damaged: list[Setting], result: Result, again: Result) -> list[Path]:
    """Restore the runs of which the new bytes are those that the result was scored from."""
    repaired = []
    for setting in damaged:
        file, new = result.run_files[setting], again.run_files.get(setting)
        if new and trec.digest(new) == result.run_hashes[setting]:
            file.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(file, new.read_bytes())
            repaired.append(file)
    return repaired


def _differences(result: Result, again: Result, tolerance: float) -> tuple[list[str], float]:
    found = []
    for part in ("passages", "queries"):
        if getattr(result.provenance, part) != getattr(again.provenance, part):
            found.append(f"the {part} are not the same texts")
    if result.provenance.fingerprint != again.provenance.fingerprint:
        found.append("the encoder or searcher is not the same (fingerprint)")
    old, new = ({(r.query_set, r.pool, r.measure): r for r in one.rows} for one in (result, again))
    found += [f"only one of the two has {' '.join(key)}" for key in sorted(old.keys() ^ new.keys())]
    largest = 0.0
    for key in old.keys() & new.keys():
        difference = abs(old[key].value - new[key].value)
        largest = max(largest, difference)
        if difference > tolerance or old[key].queries != new[key].queries:
            found.append(
                f"{' '.join(key)}: {old[key].value:.6f} ({old[key].queries} queries), "
                f"now {new[key].value:.6f} ({new[key].queries} queries)"
            )
    for name, version in result.provenance.versions.items():
        if found and (now := again.provenance.versions.get(name)) != version:
            found.append(f"version of {name}: {version}, now {now or 'none'}")
    return found, largest
