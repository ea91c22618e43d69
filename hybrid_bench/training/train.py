"""The main job: from a recipe to an encoder folder."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench import toml, whole_file
from hybrid_bench.encoders.load import CARD_FILE
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.progress import Progress, SilentProgress
from hybrid_bench.training import checkpoints, difference
from hybrid_bench.training.batches import Batches
from hybrid_bench.training.checkpoints import Standing
from hybrid_bench.training.dev import DevSet, split
from hybrid_bench.training.mix import Mix, cached
from hybrid_bench.training.published import DATA_FILE, LOG_FILE, RECIPE_FILE, write_hashes
from hybrid_bench.training.recipe import Recipe

if TYPE_CHECKING:
    from hybrid_bench.training.trainee import Trainee

#: Where checkpoints are until the training is done.
_WORK = "training"


def train(recipe: Recipe, folder: Path, *, device: str = "auto", progress: Progress | None = None) -> Path:
    """Train an encoder, or go on where a killed training of the same recipe stood.

    Args:
        recipe: every choice.
        folder: gets the encoder: weights, tokenizer, card; and beside them the difference to the base, the recipe with every
            choice written out, the log, and the account of the training data.
        device: ``cpu``, ``cuda``, ... or ``auto``.
        progress: told of every step.

    Returns:
        The folder, for :func:`hybrid_bench.load_encoder`.

    Raises:
        HybridBenchError: whatever is wrong with the recipe, the data or the base; a loss that is not finite.
    """
    _need_packages()
    progress = progress or SilentProgress()
    mix = cached(list(recipe.data.sources), recipe.data.clean_of, progress)
    key = hashlib.sha256(f"{recipe.hash} {mix.table.hash}".encode()).hexdigest()
    work = folder / _WORK
    if (folder / CARD_FILE).is_file():
        _check_finished(folder, recipe)
        progress.say(f"{folder} holds this training's encoder already")
        return folder
    work.mkdir(parents=True, exist_ok=True)
    from filelock import FileLock, Timeout

    try:
        with FileLock(work / ".lock", timeout=0) if _is_first() else _nothing(), progress:
            _train(recipe, mix, key, folder, device, progress)
    except Timeout as error:
        raise HybridBenchError(f"another process is training into {folder}", "Wait for it, or give another --out.") from error
    return folder


def _train(recipe: Recipe, mix: Mix, key: str, folder: Path, device: str, progress: Progress) -> None:
    import torch

    from hybrid_bench.training.trainee import Trainee, quiet
    from hybrid_bench.training.trainer import BEST, CHECKPOINT, HybridTrainer

    work = folder / _WORK
    standing = checkpoints.standing(work / CHECKPOINT, key) if (work / CHECKPOINT).is_file() else Standing(key)
    if standing.step:
        progress.say(f"going on after step {standing.step}")
    torch.manual_seed(recipe.seed)
    trainee = Trainee.of(recipe, device)
    languages = recipe.data.languages or None
    parts = split(mix.table, recipe.dev.questions, recipe.seed, languages) if recipe.dev.questions else None
    batches = Batches(
        parts.training if parts else mix.table,
        recipe.strategy,
        recipe.batches.size,
        recipe.seed,
        languages=languages,
        temperature=recipe.batches.language_temperature,
        source_weights=_by_row_name(recipe.data.sources),
        mode=recipe.batches.mode,
        topical=recipe.batches.topical,
    )
    dev = DevSet(parts.dev, languages or mix.table.languages) if parts else None
    encode = functools.partial(trainee.encode, tokens=recipe.compute.micro_batch_tokens)
    look = functools.partial(dev.scores, encode, recipe.strategy, recipe.loss.temperature) if dev else None
    with quiet():
        trainer = HybridTrainer(trainee, recipe, batches, batches.texts, work, standing, look, progress)
        if standing.step < recipe.optimiser.steps and not _stopped_early(recipe, standing):
            trainer.train()
    if not trainer.is_world_process_zero():
        return
    if look:
        checkpoints.restore(work / BEST, trainee.trainable())
        progress.say(f"the best weights by dev {recipe.dev.metric} are those of step {standing.best_step}")
    _write_encoder(recipe, mix, trainee, folder)
    shutil.rmtree(work)


def _write_encoder(recipe: Recipe, mix: Mix, trainee: Trainee, folder: Path) -> None:
    """The card comes last: with it the folder is an encoder."""
    from safetensors import safe_open

    from hybrid_bench.training.lora import factors

    low_rank = {
        name: difference.LowRank(a.detach().cpu().numpy(), b.detach().cpu().numpy(), scale)
        for name, (a, b, scale) in factors(trainee.transformer).items()
    }
    whole = {}
    if not low_rank:
        with safe_open(trainee.folder / difference.WEIGHTS, framework="numpy") as file:
            known = {name: name for name in file.keys()}  # noqa: SIM118  # it is no dict
            for name, weight in trainee.trainable().items():
                (stored,) = [other for other in known if other == name or other.endswith(f".{name}")]
                whole[name] = weight.detach().cpu().numpy() - file.get_tensor(stored)
    difference.write(folder / difference.FILE, low_rank, whole, trainee.fingerprint)
    files = difference.merge(trainee.folder, folder / difference.FILE, folder)
    whole_file.write(folder / RECIPE_FILE, recipe.to_toml().encode())
    whole_file.write(folder / DATA_FILE, (json.dumps(mix.account, indent=1, ensure_ascii=False) + "\n").encode())
    whole_file.write(folder / LOG_FILE, (folder / _WORK / LOG_FILE).read_bytes())
    card = toml.dumps(_card(recipe, mix, trainee)).encode()
    write_hashes(folder, files, {CARD_FILE: card})
    whole_file.write(folder / CARD_FILE, card)


def _card(recipe: Recipe, mix: Mix, trainee: Trainee) -> dict[str, Any]:
    base = trainee.card
    fields = base.model_dump(mode="json", exclude_defaults=True)
    fields |= {
        "name": recipe.name,
        "description": recipe.description or f"{base.name} trained with the strategy {recipe.strategy}",
        "backend": "transformers",
        "model": ".",
        "base": base.name,
        "licence": _stated_licences(mix, base.licence),
        "training_data": _stated_data(recipe, mix, base.training_data),
    }
    return {key: value for key, value in fields.items() if key not in {"revision", "url", "citation"}}


def _stated_data(recipe: Recipe, mix: Mix, of_base: str) -> str:
    """What a reader of scores has to know of the training data, in a card's 500 characters."""
    sources = ", ".join(_by_row_name(recipe.data.sources))
    text = f"{sources}, without any question, passage or paragraph of {', '.join(recipe.data.clean_of) or 'no suite'}"
    shared = {suite: len(titles) for suite, titles in mix.account["filters"]["articles"].items() if titles}
    if shared:
        text += "; articles shared by title: " + ", ".join(f"{count} with {suite}" for suite, count in sorted(shared.items()))
    if of_base:
        text += f"; its base: {of_base}"
    return text if len(text) <= 500 else f"{text[:499]}…"


def _stated_licences(mix: Mix, of_base: str) -> str:
    """The licence of the base, and those of all that was trained on: what they allow together is for the reader to find."""
    stated = {
        file.get("licence") or source.get("licence") or "not stated"
        for source in mix.account["sources"].values()
        for file in source.get("files") or [{}]
    }
    text = f"base: {of_base or 'not stated'}; training data: {' | '.join(sorted(stated))}"
    return text if len(text) <= 500 else f"{text[:499]}…"


def _by_row_name(sources: dict[str, float]) -> dict[str, float]:
    """A file of JSON lines is known in the table by its name without ending."""
    return {Path(name).name.partition(".")[0] if ".jsonl" in name else name: share for name, share in sources.items()}


def _stopped_early(recipe: Recipe, standing: Standing) -> bool:
    return 0 < recipe.dev.patience <= standing.waited


def _check_finished(folder: Path, recipe: Recipe) -> None:
    path = folder / RECIPE_FILE
    if not path.is_file() or Recipe.parse(toml.load(path), str(path)) != recipe:
        raise HybridBenchError(f"{folder} holds an encoder of another recipe", "Give another --out, or delete the folder.")


def _is_first() -> bool:
    """Whether this process is the first of those that train together."""
    import os

    return os.environ.get("RANK", "0") == "0"


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()


def _need_packages() -> None:
    try:
        import accelerate  # noqa: F401
        import datasets  # noqa: F401
        import peft  # noqa: F401
        import sentence_transformers  # noqa: F401
    except ImportError as error:
        raise HybridBenchError(
            f"training needs the package {error.name!r}, which is not installed",
            'Run: python -m pip install "hybrid-bench[train]"',
        ) from error
