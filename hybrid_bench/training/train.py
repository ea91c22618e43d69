"""The main job: from a recipe to an encoder folder."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.devices import choose_dtype
from hybrid_bench.encoders.load import CARD_FILE
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import toml
from hybrid_bench.support.optional import need
from hybrid_bench.support.progress import Progress, SilentProgress
from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.data.mix import Mix, cached
from hybrid_bench.training.data.sources import hashes, is_there, stated
from hybrid_bench.training.data.table import ParallelTable
from hybrid_bench.training.encoder import averaging, difference, encoder_folder
from hybrid_bench.training.encoder.base import Base
from hybrid_bench.training.encoder.published import DATA_FILE, LOG_FILE, RECIPE_FILE
from hybrid_bench.training.loop import checkpoints
from hybrid_bench.training.loop.checkpoints import Standing
from hybrid_bench.training.loop.dev_set import DevSet, split
from hybrid_bench.training.recipe import Averaging, Recipe

#: Where checkpoints are until the training is done, and the trainings that are averaged.
_WORK, _SEEDS = "training", "seeds"
_LOCK = ".lock"


def train(recipe: Recipe, folder: Path, *, device: str = "auto", progress: Progress | None = None, merged: bool = True) -> Path:
    """Train an encoder, or go on where a killed training of the same recipe stood.

    Args:
        recipe: every choice.
        folder: gets the encoder: weights, tokenizer, card; and beside them the difference to the base, the recipe with every
            choice written out, the log, and the account of the training data.
        device: ``cpu``, ``cuda``, ... or ``auto``.
        progress: told of every step.
        merged: where a finished training's weights were deleted for their size, make them again of the difference.

    Returns:
        The folder, for :func:`hybrid_bench.load_encoder`.

    Raises:
        HybridBenchError: whatever is wrong with the recipe, the data or the base; a loss that is not finite.
    """
    need("train", "training", "accelerate", "datasets", "peft", "sentence_transformers")
    progress = progress if progress and is_first() else SilentProgress()
    _check_place(folder)
    if (folder / CARD_FILE).is_file() and _is_finished(folder, recipe):
        if is_first():
            shutil.rmtree(folder / _WORK, ignore_errors=True)  # a kill after the card may have left it
            if merged and not (folder / difference.WEIGHTS).is_file():
                Base.of(recipe, device).add(folder / difference.FILE, folder)
        progress.say(f"{folder} holds this training's encoder already")
        return folder
    if recipe.averaging != Averaging():
        return _train_several(recipe, folder, device, progress)
    mix = cached(list(recipe.data.sources), recipe.data.clean_of, progress)
    work = folder / _WORK
    work.mkdir(parents=True, exist_ok=True)
    from filelock import FileLock, Timeout

    try:
        with FileLock(work / _LOCK, timeout=0) if is_first() else _nothing(), progress:
            _train(recipe, mix, folder, device, progress)
    except Timeout as error:
        raise HybridBenchError(f"another process is training into {folder}", "Wait for it, or give another --out.") from error
    return folder


def _train_several(recipe: Recipe, folder: Path, device: str, progress: Progress) -> Path:
    """Each training in a folder of its own below, and their mean."""
    parts = []
    for number, single in enumerate(recipe.single(), start=1):
        progress.say(f"training {number} of {recipe.averaging.trainings}: seed {single.seed}")
        parts.append(train(single, seed_folder(folder, single.seed), device=device, progress=progress, merged=False))
    if is_first():
        (folder / CARD_FILE).unlink(missing_ok=True)  # of a mean of other trainings
        averaging.average(parts, recipe, folder, device, progress)
    return folder


def seed_folder(folder: Path, seed: int) -> Path:
    """Where the training with a seed is, of those that are averaged in a folder."""
    return folder / _SEEDS / str(seed)


def _check_place(folder: Path) -> None:
    """See that a training can be in a folder, and overwrites nothing there that is of something else.

    Raises:
        HybridBenchError: if not.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise HybridBenchError(f"{there} is a file", "Name a folder for the encoder.")
    of_training = (CARD_FILE, _SEEDS, f"{_WORK}/{_LOCK}", f"{_WORK}/{LOG_FILE}")
    holds = any(path.is_file() for path in folder.rglob("*"))
    # In this order: the first of several processes may be at work by now, and what it writes first is of a training.
    if holds and not any((folder / name).exists() for name in of_training):
        raise HybridBenchError(f"{folder} holds other files than a training's", "Name a new or an empty folder for the encoder.")


def _train(recipe: Recipe, mix: Mix, folder: Path, device: str, progress: Progress) -> None:
    import torch

    from hybrid_bench.training.loop.trainee import Trainee, quiet
    from hybrid_bench.training.loop.trainer import CHECKPOINT, HybridTrainer, best_weights

    torch.manual_seed(recipe.seed)
    trainee = Trainee.of(recipe, device)
    if recipe.compute.precision == "bf16" and choose_dtype("auto", trainee.model.device)[0] != "bf16":
        progress.say("bf16 is emulated here: --set compute.precision=fp32 is faster, and another recipe")
    work = folder / _WORK
    key = hashlib.sha256(f"{recipe.hash} {mix.table.hash} {trainee.base.fingerprint}".encode()).hexdigest()
    standing = checkpoints.standing(work / CHECKPOINT, key) if (work / CHECKPOINT).is_file() else Standing(key)
    if standing.step:
        progress.say(f"going on after step {standing.step}")
    batches, dev = parts_of(recipe, mix.table)
    for remark in batches.remarks():
        progress.say(remark)
    encode = functools.partial(trainee.encode, tokens=recipe.compute.micro_batch_tokens)
    look = functools.partial(dev.scores, encode, recipe.strategy, recipe.loss.temperature) if dev else None
    with quiet():
        trainer = HybridTrainer(trainee, recipe, batches, batches.texts, work, standing, look, progress)
        if standing.step < recipe.optimiser.steps and not _stopped_early(recipe, standing):
            trainer.train()
    if not trainer.is_world_process_zero():
        return
    if look:
        checkpoints.restore(work / best_weights(standing.best_step), trainee.trainable())
        progress.say(f"the best weights by dev {recipe.dev.metric} are those of step {standing.best_step}")
    low_rank, whole = trainee.difference()
    difference.write(folder / difference.FILE, low_rank, whole, trainee.base.fingerprint)
    encoder_folder.write(folder, recipe, trainee.base, mix.account, (work / LOG_FILE).read_bytes())
    shutil.rmtree(work)


def parts_of(recipe: Recipe, table: ParallelTable) -> tuple[Batches, DevSet | None]:
    """The batches of a recipe, and the dev set if it has one.

    Raises:
        HybridBenchError: if the table does not have what the recipe asks for.
    """
    if not recipe.dev.questions:
        return batches_of(recipe, table), None
    languages = recipe.data.languages or None
    training, held_out = split(table, recipe.dev.questions, recipe.seed, languages)
    for source in recipe.data.shares:
        if source in table.sources and source not in training.sources:
            raise HybridBenchError(f"the dev set takes every row of {source}", "Lower dev.questions, or leave the source out.")
    return batches_of(recipe, training), DevSet(held_out, languages or table.languages)


def batches_of(recipe: Recipe, table: ParallelTable) -> Batches:
    """The batches of every step of a recipe."""
    return Batches(
        table,
        recipe.strategy,
        recipe.batches.size,
        recipe.seed,
        languages=recipe.data.languages or None,
        temperature=recipe.batches.language_temperature,
        source_weights=recipe.data.shares,
        mode=recipe.batches.mode,
        topical=recipe.batches.topical,
        switch_probability=recipe.batches.switch_probability,
    )


def _stopped_early(recipe: Recipe, standing: Standing) -> bool:
    return 0 < recipe.dev.patience <= standing.waited


def _is_finished(folder: Path, recipe: Recipe) -> bool:
    """Whether a folder's encoder is what the recipe makes; not if it is a mean of fewer or more of the same trainings.

    Raises:
        HybridBenchError: if it is of another recipe or other data.
    """
    path = folder / RECIPE_FILE
    held = Recipe.parse(toml.load(path), str(path)) if path.is_file() else None
    several = recipe.averaging != Averaging() and seed_folder(folder, recipe.seed).is_dir()
    same = held is not None and (held.name, held.description, held.hash) == (recipe.name, recipe.description, recipe.hash)
    if held is None or not same or not (several or held.averaging == recipe.averaging):
        raise HybridBenchError(
            f"{folder} holds an encoder of another recipe", "Train into another folder, or delete this one with all in it."
        )
    if not (folder / DATA_FILE).is_file():
        raise HybridBenchError(f"{folder} lacks {DATA_FILE}", "Train into another folder, or delete this one with all in it.")
    try:
        account = json.loads((folder / DATA_FILE).read_text(encoding="utf-8"))
        known = [hashes(source) for source in account["sources"].values()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HybridBenchError(
            f"{folder / DATA_FILE} is damaged: {error}", "Train into another folder, or delete this one with all in it."
        ) from error
    for name in recipe.data.sources:
        if is_there(name) and hashes(stated(name)) not in known:
            raise HybridBenchError(
                f"the training data {name} are others than those of the encoder in {folder}",
                "Train into another folder, or delete this one with all in it.",
            )
    return held.averaging == recipe.averaging


def is_first() -> bool:
    """Whether this process is the first of those that train together."""
    import os

    return os.environ.get("RANK", "0") == "0"


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()
