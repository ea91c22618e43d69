"""The study of strategies: the same recipe under each, over seeds and over alpha, trained, scored and kept."""

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
from hybrid_bench.results.record import Result
from hybrid_bench.support import cache, hashing
from hybrid_bench.support.optional import need
from hybrid_bench.support.progress import Progress, SilentProgress
from hybrid_bench.training.data.mix import cached
from hybrid_bench.training.encoder import difference
from hybrid_bench.training.encoder.published import LOG_FILE, drawn, load_published
from hybrid_bench.training.recipe import MOST_TRAININGS, Recipe
from hybrid_bench.training.train import parts_of, seed_folder, train

#: What the paper compares, and the baselines beside it.
STRATEGIES = ("mono", "cross", "hybrid")
BASELINES = ("english", "code-switched")
#: The name under which the base itself is scored.
BASE = "base"
#: Characters of a hash that name a folder of results.
_KEY = 16


@dataclass(frozen=True)
class Arm:
    """One training of the study, the mean of the trainings with all seeds, or the base without one.

    Attributes:
        strategy: a name of a strategy, or ``base``.
        seed: of everything that is drawn; None: the weights of all seeds averaged, and for the base.
        alpha: the share of monolingual batches; None where the strategy is none of mixing the two kinds.
        swept: whether it is hybrid with another alpha than the recipe's.
    """

    strategy: str
    seed: int | None = None
    alpha: float | None = None
    swept: bool = False

    def stem(self, base: str) -> str:
        """The name of the encoder that its strategy makes of a base."""
        if self.strategy == BASE:
            return base
        return f"{self.strategy}{f'-{self.alpha:g}' if self.swept else ''}-{base}"

    def changes(self) -> dict[str, Any]:
        """What its recipe changes of the study's."""
        changes: dict[str, Any] = {"batches.strategy": self.strategy, "seed": 1}
        return changes | ({"batches.alpha": self.alpha} if self.strategy == "hybrid" else {})


@dataclass(frozen=True)
class Scored:
    """An arm, its results by suite, and the share of each source and kind in its batches."""

    arm: Arm
    results: dict[str, Result]
    drawn: dict[tuple[str, str], float] = field(default_factory=dict)


def arms(seeds: int, alphas: Sequence[float], baselines: Sequence[str] = (), alpha: float = 0.5) -> list[Arm]:
    """The base, every strategy with every seed and their mean, and every other alpha with the first seed.

    Args:
        seeds: trainings of each strategy.
        alphas: of hybrid, beside the recipe's; 0 is ``cross`` and 1 is ``mono``.
        baselines: names of :data:`BASELINES`.
        alpha: the recipe's, for ``hybrid``.

    Raises:
        HybridBenchError: on an alpha outside [0, 1], a hybrid of one kind, an unknown baseline, or no seed or too many.
    """
    if not 1 <= seeds <= MOST_TRAININGS:
        raise HybridBenchError(f"a study over {seeds} seeds", f"Take 1 to {MOST_TRAININGS}.")
    for other in alphas:
        if not 0 <= other <= 1:
            raise HybridBenchError(f"alpha is {other}", "It is a share: from 0 to 1.")
    if alpha in (0, 1):
        raise HybridBenchError(f"the recipe's alpha is {alpha:g}, which is no hybrid", "Give it a batches.alpha between 0 and 1.")
    for name in baselines:
        if name not in BASELINES:
            raise HybridBenchError(f"unknown baseline {name!r}", f"Known: {', '.join(BASELINES)}.")
    of = {"mono": 1.0, "cross": 0.0, "hybrid": alpha}
    found = [Arm(BASE)]
    # The strategies of one seed before the next seed: a study that is looked at early compares like with like.
    found += [Arm(name, seed, of[name]) for seed in range(1, seeds + 1) for name in STRATEGIES]
    found += [Arm(name, None, of[name]) for name in STRATEGIES if seeds > 1]
    found += [Arm("hybrid", 1, other, swept=True) for other in sorted(set(alphas)) if other not in of.values()]
    return found + [Arm(name, 1) for name in dict.fromkeys(baselines)]


def run(
    recipe: Path,
    chosen: Sequence[Arm],
    suites: Sequence[str],
    work: Path,
    *,
    changes: dict[str, Any] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Iterator[Scored]:
    """Train and score the arms, one after the other; what is in the folder already is not done again.

    Whether the data have the batches of every strategy is seen before the first.

    Args:
        recipe: the recipe that all share.
        chosen: the arms.
        suites: names of suites.
        work: gets ``trained/<name>``, which :func:`.train` with as many ``averaging.trainings`` as there are seeds makes as well
            (but for its weights, which are made again of the difference when they are needed), and
            ``results/<beginning of a hash of the weights>/<suite>/<name>.json`` (below a hash of its own for a folder as suite).
        changes: of the recipe, for every arm.
        device: as for :func:`hybrid_bench.load_encoder`.
        progress: told of all.
    """
    need("train", "a study", "accelerate", "datasets", "matplotlib", "peft", "sentence_transformers")
    progress = progress or SilentProgress()
    shared = Recipe.read(recipe, changes)
    mix = cached(list(shared.data.sources), shared.data.clean_of, progress)
    for strategy in sorted({arm.strategy for arm in chosen} - {BASE}):
        parts_of(Recipe.read(recipe, {**(changes or {}), "batches.strategy": strategy}), mix.table)
    places = {suite: _place(suite) for suite in suites}
    load_base = functools.partial(load_encoder, shared.base, dtype="fp32", device=device)
    untrained = load_base()
    base, fingerprint = untrained.card.name.rpartition("/")[2], untrained.fingerprint
    del untrained  # its weights are not needed while others are trained
    for number, arm in enumerate(chosen, start=1):
        if arm.strategy == BASE:
            progress.say(f"[{number}/{len(chosen)}] {base}")
            yield Scored(arm, _results(load_base, base, places, work / "results" / fingerprint[:_KEY], None, progress))
            continue
        stem = arm.stem(base)
        seeds = sum(other.seed is not None and other.stem(base) == stem for other in chosen)
        whole = Recipe.read(recipe, {**(changes or {}), **arm.changes(), "name": stem, "averaging.trainings": seeds})
        folder = work / "trained" / stem
        if arm.seed is None:
            own = whole
        else:
            own, folder = whole.single()[arm.seed - 1], seed_folder(folder, arm.seed)
        progress.say(f"[{number}/{len(chosen)}] {own.name}")
        train(own, folder, device=device, progress=progress, merged=False)
        # As everyone loads it who installs it, so that its results are theirs.
        load = functools.partial(load_published, folder, base=own.base, dtype="fp32", device=device)
        # By what was trained: the results of a training that was deleted are not those of the next with its name.
        kept = work / "results" / hashing.sha256(folder / difference.FILE)[:_KEY]
        vectors = work / "vectors" / own.name
        results = _results(load, own.name, places, kept, vectors, progress)
        (folder / difference.WEIGHTS).unlink(missing_ok=True)
        shutil.rmtree(vectors, ignore_errors=True)
        yield Scored(arm, results, drawn((folder / LOG_FILE).read_text(encoding="utf-8")))


def _place(name: str) -> Path:
    """Where the results of a suite are, below those of an encoder.

    A folder is known by what is in it: its name is that of others too, and stays when its files change.
    """
    suite = load_suite(name)
    return Path(suite_hash(suite)[:_KEY] if is_folder(name) else "") / suite.name.replace("/", "__")


def _results(
    load: Callable[[], Encoder],
    name: str,
    places: Mapping[str, Path],
    folder: Path,
    store: Path | None,
    progress: Progress,
) -> dict[str, Result]:
    """The results of an encoder, and where one is missing the evaluation.

    Args:
        load: called if there is something to evaluate.
        name: of the encoder.
        places: name of each suite to where its results are in the folder.
        folder: of its results.
        store: of its vectors, if it has one of its own; what :func:`.load_published` makes here is deleted then, for the size of
            it. What was there before is somebody else's.
        progress: told of all.
    """
    found: dict[str, Result] = {}
    loaded: Encoder | None = None
    others: set[Path] = set()
    for suite, place in places.items():
        path = folder / place / f"{name}.json"
        if path.is_file():
            found[suite] = Result.read(path)
            continue
        if loaded is None:
            others = set((cache.home() / "encoders").glob("*"))
            loaded = load()
        found[suite] = evaluate(loaded, suite, store=store, progress=progress)
        found[suite].save((folder / place).parent)
    if loaded is not None and store is not None and Path(loaded.card.model) not in others:
        shutil.rmtree(loaded.card.model)
    return found
