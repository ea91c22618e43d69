"""Training: from a recipe to an encoder folder."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import shutil
from pathlib import Path

from hybrid_bench.encoders.devices import choose_dtype
from hybrid_bench.encoders.load import CARD_FILE
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import toml
from hybrid_bench.support.optional import need
from hybrid_bench.support.progress import Progress, SilentProgress
from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.data.mix import Mix, cached
from hybrid_bench.training.data.sources import source_exists, source_hashes, source_info
from hybrid_bench.training.data.table import ParallelTable
from hybrid_bench.training.encoder import averaging, difference, encoder_folder
from hybrid_bench.training.encoder.base import Base
from hybrid_bench.training.encoder.published import DATA_FILE, LOG_FILE, RECIPE_FILE
from hybrid_bench.training.loop.checkpoints import CHECKPOINT, TRAINING, TrainingState, best_weights, load_state, restore
from hybrid_bench.training.loop.dev_set import DevSet, split_dev_set
from hybrid_bench.training.recipe import Averaging, Recipe

#: Subfolders: checkpoints of an unfinished training; single trainings that are averaged.
_WORK, _SEEDS = "training", "seeds"
_LOCK = ".lock"
_REMEDY = "Use another --out, or delete the folder."


def train(recipe: Recipe, folder: Path, *, device: str = "auto", progress: Progress | None = None, merged: bool = True) -> Path:
    """Train an encoder, or resume an interrupted training of the same recipe.

    Args:
        recipe: every choice.
        folder: the output folder: weights, tokenizer and card, the difference to the base, the recipe with every value written
            out, the log, and the manifest of the training data.
        device: ``cpu``, ``cuda``, ... or ``auto``.
        progress: notified of every step.
        merged: if the training is finished but its weights were deleted, restore them from the base and the difference.

    Returns:
        The folder, for :func:`hybrid_bench.load_encoder`.

    Raises:
        HybridBenchError: if the recipe, the data, the base or the folder is invalid, or a loss is not finite.
    """
    need("train", "training", "accelerate", "datasets", "peft", "sentence_transformers")
    progress = progress if progress and is_first() else SilentProgress()
    _check_output_folder(folder)
    if (folder / CARD_FILE).is_file() and _is_finished(folder, recipe):
        if is_first():
            shutil.rmtree(folder / _WORK, ignore_errors=True)  # left if interrupted after writing the card
            if merged and not (folder / difference.WEIGHTS).is_file():
                Base.load(recipe, device).merge(folder / difference.FILE, folder)
        progress.say(f"{folder} already holds the encoder of this recipe")
        return folder
    if recipe.averaging != Averaging():
        return _train_several(recipe, folder, device, progress)
    mix = data_of(recipe, progress)
    work = folder / _WORK
    work.mkdir(parents=True, exist_ok=True)
    from filelock import FileLock, Timeout

    try:
        with FileLock(work / _LOCK, timeout=0) if is_first() else contextlib.nullcontext(), progress:
            _train(recipe, mix, folder, device, progress)
    except Timeout as error:
        raise HybridBenchError(f"another process is training into {folder}", "Wait for it, or use another --out.") from error
    return folder


def _train_several(recipe: Recipe, folder: Path, device: str, progress: Progress) -> Path:
    """Train with each seed in a subfolder, and write the mean."""
    parts = []
    for number, single in enumerate(recipe.single(), start=1):
        progress.say(f"training {number} of {recipe.averaging.trainings}: seed {single.seed}")
        progress.job(f"seed {single.seed}", {TRAINING: single.optimiser.steps * single.batches.size})
        parts.append(train(single, seed_folder(folder, single.seed), device=device, progress=progress, merged=False))
    if is_first():
        (folder / CARD_FILE).unlink(missing_ok=True)  # of a mean over a different number of trainings
        averaging.average(parts, recipe, folder, device, progress)
    return folder


def seed_folder(folder: Path, seed: int) -> Path:
    """The subfolder of one of the trainings that are averaged."""
    return folder / _SEEDS / str(seed)


def _check_output_folder(folder: Path) -> None:
    """Check that the output folder is new, empty, or holds a training.

    Raises:
        HybridBenchError: if it is a file or holds other files.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise HybridBenchError(f"{existing} is a file", "Choose a folder for the encoder.")
    of_training = (CARD_FILE, _SEEDS, f"{_WORK}/{_LOCK}", f"{_WORK}/{LOG_FILE}")
    holds = any(path.is_file() for path in folder.rglob("*"))
    # In this order: the first of several processes may already be writing, and it writes a training's file first.
    if holds and not any((folder / name).exists() for name in of_training):
        raise HybridBenchError(f"{folder} holds files that are not of a training", "Choose a new or an empty folder.")


def _train(recipe: Recipe, mix: Mix, folder: Path, device: str, progress: Progress) -> None:
    import torch

    from hybrid_bench.encoders.guarded import quiet_transformers
    from hybrid_bench.training.loop.teacher import Teacher
    from hybrid_bench.training.loop.trainable_model import TrainableModel
    from hybrid_bench.training.loop.trainer import HybridTrainer

    torch.manual_seed(recipe.seed)
    model = TrainableModel.load(recipe, device)
    if recipe.compute.precision == "bf16" and choose_dtype("auto", model.network.device)[0] != "bf16":
        progress.say("bf16 is emulated on this device: --set compute.precision=fp32 is faster (it changes the recipe)")
    work = folder / _WORK
    teacher = Teacher.load(recipe, model, device) if recipe.strategy.distilled else None
    origin = f"{recipe.hash} {mix.table.hash} {model.base.fingerprint}" + (f" {teacher.fingerprint}" if teacher else "")
    key = hashlib.sha256(origin.encode()).hexdigest()
    state = load_state(work / CHECKPOINT, key) if (work / CHECKPOINT).is_file() else TrainingState(key)
    if state.step:
        progress.say(f"resuming after step {state.step}")
    batches, dev = batches_and_dev_set(recipe, mix.table)
    for remark in batches.remarks():
        progress.say(remark)
    encode = functools.partial(model.encode, tokens=recipe.compute.micro_batch_tokens)
    evaluate_dev = functools.partial(dev.scores, encode, recipe.strategy, recipe.loss.temperature) if dev else None
    with quiet_transformers():
        trainer = HybridTrainer(model, recipe, batches, work, state, evaluate_dev, progress, teacher)
        if state.step < recipe.optimiser.steps and not _stopped_early(recipe, state):
            trainer.train()
    if not trainer.is_world_process_zero():
        return
    if evaluate_dev:
        restore(work / best_weights(state.best_step), model.trainable_weights())
        progress.say(f"the best weights by dev {recipe.dev.metric} are those of step {state.best_step}")
    low_rank, full = model.difference()
    difference.write(folder / difference.FILE, low_rank, full, model.base.fingerprint)
    encoder_folder.write(folder, recipe, model.base, mix.manifest, (work / LOG_FILE).read_bytes())
    shutil.rmtree(work)


def data_of(recipe: Recipe, progress: Progress | None = None) -> Mix:
    """The training data of a recipe, from the cache or built."""
    chosen = recipe.data
    return cached(list(chosen.sources), chosen.clean_of, progress, articles_of=chosen.held_out_articles)


def batches_and_dev_set(recipe: Recipe, table: ParallelTable) -> tuple[Batches, DevSet | None]:
    """The batches of a recipe, and its development set unless ``dev.questions`` is 0.

    Raises:
        HybridBenchError: if the table lacks the data that the recipe needs.
    """
    if not recipe.dev.questions:
        return batches_of(recipe, table), None
    languages = recipe.data.languages or None
    training, held_out = split_dev_set(table, recipe.dev.questions, recipe.seed, languages)
    for source in recipe.data.shares:
        if source in table.sources and source not in training.sources:
            raise HybridBenchError(f"the development set takes every row of {source}", "Lower dev.questions, or drop the source.")
    return batches_of(recipe, training), DevSet(held_out, languages or table.languages)


def batches_of(recipe: Recipe, table: ParallelTable) -> Batches:
    """The batches of a recipe, drawn from a table.

    Raises:
        HybridBenchError: if the table lacks the data that the recipe needs.
    """
    if recipe.strategy.distilled and recipe.distillation.language not in table.languages:
        raise HybridBenchError(
            f"the strategy {recipe.strategy} needs texts in {recipe.distillation.language}, the language of its teacher, and the "
            f"training data have {', '.join(table.languages)}",
            "Add a source that has it, or change distillation.language.",
        )
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
        paragraph_negatives=recipe.batches.paragraph_negatives,
        negatives_language=recipe.batches.negatives_language,
    )


def _stopped_early(recipe: Recipe, state: TrainingState) -> bool:
    return 0 < recipe.dev.patience <= state.waited


def _is_finished(folder: Path, recipe: Recipe) -> bool:
    """Whether a folder holds the encoder of a recipe; False if it is a mean over fewer or more of the same trainings.

    Raises:
        HybridBenchError: if it is the encoder of another recipe or of other data.
    """
    path = folder / RECIPE_FILE
    stored = Recipe.parse(toml.load(path), str(path)) if path.is_file() else None
    several = recipe.averaging != Averaging() and seed_folder(folder, recipe.seed).is_dir()
    same = stored is not None and (stored.name, stored.description, stored.hash) == (recipe.name, recipe.description, recipe.hash)
    if stored is None or not same or not (several or stored.averaging == recipe.averaging):
        raise HybridBenchError(f"{folder} holds an encoder of another recipe", _REMEDY)
    if not (folder / DATA_FILE).is_file():
        raise HybridBenchError(f"{folder} has no {DATA_FILE}", _REMEDY)
    try:
        manifest = json.loads((folder / DATA_FILE).read_text(encoding="utf-8"))
        known = [source_hashes(source) for source in manifest["sources"].values()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HybridBenchError(f"{folder / DATA_FILE} is corrupt: {error}", _REMEDY) from error
    for name in recipe.data.sources:
        if source_exists(name) and source_hashes(source_info(name)) not in known:
            raise HybridBenchError(f"the training data {name} changed since the encoder in {folder} was trained", _REMEDY)
    return stored.averaging == recipe.averaging


def is_first() -> bool:
    """Whether this is the first (or only) process of a distributed training."""
    import os

    return os.environ.get("RANK", "0") == "0"
