"""The strategy study: the same recipe trained and scored with every strategy, seed and alpha."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.hashes import suite_hash
from hybrid_bench.datasets.resolvers import is_folder, load_suite
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.evaluate import evaluate
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.results.record import Result
from hybrid_bench.support import cache, hashing
from hybrid_bench.support.optional import need
from hybrid_bench.support.progress import Progress, SilentProgress
from hybrid_bench.training.encoder import difference
from hybrid_bench.training.encoder.published import LOG_FILE, batch_shares, load_published
from hybrid_bench.training.recipe import MOST_TRAININGS, Recipe
from hybrid_bench.training.train import batches_and_dev_set, data_of, seed_folder, train

#: The strategies of the paper, and other ones: its baselines, and distillation.
STRATEGIES = ("mono", "cross", "hybrid")
BASELINES = ("english", "code-switched", "distilled", "hybrid+distilled")
#: The name of the arm of the base without training.
BASE = "base"
#: Length of the hash prefixes that name folders of results.
_HASH_LENGTH = 16


@dataclass(frozen=True)
class Arm:
    """An arm of the study: one training, the average over all seeds, or the base without training.

    Attributes:
        strategy: the name of a strategy, or ``base``.
        seed: the seed of the training; None for averaged weights and for the base.
        alpha: the share of monolingual batches; None for the base and the baselines.
        swept: whether it is hybrid with another alpha than the recipe's.
        weight: the weight of distillation, of ``hybrid+distilled``; None: the recipe's.
    """

    strategy: str
    seed: int | None = None
    alpha: float | None = None
    swept: bool = False
    weight: float | None = None

    def stem(self, base: str) -> str:
        """The name of the encoder, given the name of the base."""
        if self.strategy == BASE:
            return base
        varied = self.alpha if self.swept else self.weight
        return f"{self.strategy}{'' if varied is None else f'-{varied:g}'}-{base}"

    def changes(self) -> dict[str, Any]:
        """The changes to the study's recipe, as dotted keys."""
        changes: dict[str, Any] = {"batches.strategy": self.strategy, "seed": 1}
        if self.weight is not None:
            changes["distillation.weight"] = self.weight
        return changes | ({"batches.alpha": self.alpha} if self.strategy == "hybrid" else {})


@dataclass(frozen=True)
class ScoredArm:
    """An arm, its results by suite, and the share of each (source, kind) in its batches."""

    arm: Arm
    results: dict[str, Result]
    batch_shares: dict[tuple[str, str], float] = field(default_factory=dict)


def arms(
    seeds: int, alphas: Sequence[float], baselines: Sequence[str] = (), alpha: float = 0.5, weights: Sequence[float] = ()
) -> list[Arm]:
    """The arms of a study: the base, every strategy with every seed and averaged, baselines with every seed; else seed 1.

    Args:
        seeds: trainings per strategy and baseline.
        alphas: additional values for hybrid; 0 is ``cross`` and 1 is ``mono``.
        baselines: names of :data:`BASELINES`.
        alpha: the recipe's value for ``hybrid``.
        weights: of distillation, for ``hybrid+distilled``.

    Raises:
        HybridBenchError: if a number of seeds, an alpha or a weight is out of range, or a baseline is unknown.
    """
    if not 1 <= seeds <= MOST_TRAININGS:
        raise HybridBenchError(f"the number of seeds is {seeds}", f"Use 1 to {MOST_TRAININGS}.")
    for other in alphas:
        if not 0 <= other <= 1:
            raise HybridBenchError(f"alpha is {other}", "Use a number from 0 to 1.")
    if alpha in (0, 1):
        raise HybridBenchError(
            f"the recipe's alpha is {alpha:g}, so hybrid would have one batch kind only", "Set batches.alpha between 0 and 1."
        )
    for weight in weights:
        if not 0 < weight < float("inf"):
            raise HybridBenchError(f"a weight of distillation is {weight}", "Use a number above 0.")
    for name in baselines:
        if name not in BASELINES:
            raise HybridBenchError(f"unknown baseline {name!r}", f"Known: {', '.join(BASELINES)}.")
    alpha_of = {"mono": 1.0, "cross": 0.0, "hybrid": alpha}
    found = [Arm(BASE)]
    # All strategies of one seed before the next seed, so that an unfinished study can already be compared.
    found += [Arm(name, seed, alpha_of[name]) for seed in range(1, seeds + 1) for name in STRATEGIES]
    found += [Arm(name, None, alpha_of[name]) for name in STRATEGIES if seeds > 1]
    found += [Arm("hybrid", 1, other, swept=True) for other in sorted(set(alphas)) if other not in alpha_of.values()]
    found += [Arm("hybrid+distilled", 1, weight=weight) for weight in sorted(set(weights))]
    return found + [Arm(name, seed) for seed in range(1, seeds + 1) for name in dict.fromkeys(baselines)]


def run(
    recipe: Path,
    chosen: Sequence[Arm],
    suites: Sequence[str],
    work: Path,
    *,
    changes: dict[str, Any] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Iterator[ScoredArm]:
    """Train and score the arms one after the other. Finished trainings and results in ``work`` are reused.

    Checks first that the data suffice for every strategy.

    Args:
        recipe: the recipe of all arms.
        chosen: the arms.
        suites: names of suites.
        work: the working folder. Holds ``trained/<name>``, as :func:`.train` writes it with one averaged training per seed (but
            without merged weights, which are restored when needed), and
            ``results/<hash of the weights>/<suite>/<name>.json`` (with a hash of the content for suites that are folders).
        changes: changes to the recipe, for every arm.
        device: as for :func:`hybrid_bench.load_encoder`.
        progress: notified of every step.

    Yields:
        Every arm with its results.
    """
    need("train", "a study", "accelerate", "datasets", "matplotlib", "peft", "sentence_transformers")
    progress = progress or SilentProgress()
    shared = Recipe.read(recipe, changes)
    mix = data_of(shared, progress)
    for strategy in sorted({arm.strategy for arm in chosen} - {BASE}):
        batches_and_dev_set(Recipe.read(recipe, {**(changes or {}), "batches.strategy": strategy}), mix.table)
    result_paths = {suite: _result_path(suite) for suite in suites}
    load_base = functools.partial(load_encoder, shared.base, dtype="fp32", device=device)
    untrained = load_base()
    base, fingerprint = untrained.card.name.rpartition("/")[2], untrained.fingerprint
    del untrained  # frees its weights
    for number, arm in enumerate(chosen, start=1):
        if arm.strategy == BASE:
            progress.say(f"[{number}/{len(chosen)}] {base}")
            yield ScoredArm(
                arm, _results(load_base, base, result_paths, work / "results" / fingerprint[:_HASH_LENGTH], None, progress)
            )
            continue
        stem = arm.stem(base)
        seeds = sum(other.seed is not None and other.stem(base) == stem for other in chosen)
        averaged = Recipe.read(recipe, {**(changes or {}), **arm.changes(), "name": stem, "averaging.trainings": seeds})
        folder = work / "trained" / stem
        if arm.seed is None:
            own = averaged
        else:
            own, folder = averaged.single()[arm.seed - 1], seed_folder(folder, arm.seed)
        progress.say(f"[{number}/{len(chosen)}] {own.name}")
        train(own, folder, device=device, progress=progress, merged=False)
        # Loaded as a published encoder, so that users of the published files get the same results.
        load = functools.partial(load_published, folder, base=own.base, dtype="fp32", device=device)
        # Results are stored by hash of the weights: a new training with the same name has its own results.
        kept = work / "results" / hashing.sha256(folder / difference.FILE)[:_HASH_LENGTH]
        vectors = work / "vectors" / own.name
        results = _results(load, own.name, result_paths, kept, vectors, progress)
        (folder / difference.WEIGHTS).unlink(missing_ok=True)
        shutil.rmtree(vectors, ignore_errors=True)
        yield ScoredArm(arm, results, batch_shares((folder / LOG_FILE).read_text(encoding="utf-8")))


def _result_path(name: str) -> Path:
    """The path of a suite's results below the folder of an encoder's results.

    Includes a hash of the content for a suite that is a folder, because its name does not identify its content.
    """
    suite = load_suite(name)
    return Path(suite_hash(suite)[:_HASH_LENGTH] if is_folder(name) else "") / suite.name.replace("/", "__")


def _results(
    load: Callable[[], Encoder],
    name: str,
    result_paths: Mapping[str, Path],
    folder: Path,
    store: Path | None,
    progress: Progress,
) -> dict[str, Result]:
    """The stored results of an encoder; missing ones are evaluated and stored.

    Args:
        load: loads the encoder; called only if a result is missing.
        name: of the encoder.
        result_paths: name of each suite to the path of its result in the folder.
        folder: of the encoder's results.
        store: the encoder's own folder of vectors; None: the shared one. If it has its own, the merged encoder that
            :func:`.load_published` adds to the cache is deleted afterwards, to save space.
        progress: notified of every step.
    """
    found: dict[str, Result] = {}
    loaded: Encoder | None = None
    cached_before: set[Path] = set()
    for suite, result_path in result_paths.items():
        path = folder / result_path / f"{name}.json"
        if path.is_file():
            found[suite] = Result.read(path)
            continue
        if loaded is None:
            cached_before = set((cache.home() / "encoders").glob("*"))
            loaded = load()
        found[suite] = evaluate(loaded, suite, options=EvaluationOptions(store=store), progress=progress)
        found[suite].save((folder / result_path).parent)
    if loaded is not None and store is not None and Path(loaded.card.model) not in cached_before:
        shutil.rmtree(loaded.card.model)
    return found
