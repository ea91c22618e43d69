"""sentence-transformers' trainer, fed with the batches of a strategy and watched step by step."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import PrinterCallback, TrainerCallback

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import atomic
from hybrid_bench.support.progress import Progress
from hybrid_bench.training.batches.batches import Batch, Batches
from hybrid_bench.training.loop import checkpoints
from hybrid_bench.training.loop.checkpoints import Standing
from hybrid_bench.training.loop.loss import info_nce
from hybrid_bench.training.loop.trainee import Trainee
from hybrid_bench.training.recipe import Optimiser, Recipe

#: Dev scores by name, given the trainee.
Look = Callable[[], dict[str, float]]


class _Steps(Dataset[dict[str, Any]]):
    """The tokens of every step's batch, or of the part of it that one process works on."""

    def __init__(self, batches: Batches, texts: Callable[[Batch], tuple[list[str], list[str]]], trainee: Trainee) -> None:
        self._batches = batches
        self._texts = texts
        self._trainee = trainee
        self.rank, self.world = 0, 1

    def __getitem__(self, step: int) -> dict[str, Any]:
        questions, passages = self._texts(self._batches.at(step).slice(self.rank, self.world))
        columns = {"query": self._trainee.features(questions, "query"), "passage": self._trainee.features(passages, "passage")}
        return {f"{column}_{name}": values for column, features in columns.items() for name, values in features.items()}


class _From:
    """A batch sampler that takes one step after the other, beginning where a checkpoint stands."""

    def __init__(self, first: int, steps: int) -> None:
        self._first, self._steps = first, steps

    def __iter__(self) -> Iterator[list[int]]:
        return ([step] for step in range(self._first, self._steps))

    def __len__(self) -> int:
        return self._steps - self._first


class HybridTrainer(SentenceTransformerTrainer):
    """The trainer of sentence-transformers on the batches of a strategy.

    Batches, checkpoints, dev scores and the log are this project's; the loop, the optimiser's step, autocast and several
    processes are the library's.

    Args:
        trainee: what is trained.
        recipe: every choice.
        batches: of the training data.
        texts: questions and passages of a batch.
        folder: for checkpoints and the log.
        standing: where to go on.
        look: scores the dev set; None: there is none.
        progress: told of every step.
    """

    def __init__(
        self,
        trainee: Trainee,
        recipe: Recipe,
        batches: Batches,
        texts: Callable[[Batch], tuple[list[str], list[str]]],
        folder: Path,
        standing: Standing,
        look: Look | None,
        progress: Progress,
    ) -> None:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=str(folder),
            max_steps=recipe.optimiser.steps,
            per_device_train_batch_size=recipe.batches.size,
            max_grad_norm=recipe.optimiser.max_gradient,
            bf16=recipe.compute.precision == "bf16",
            seed=recipe.seed,
            use_cpu=trainee.model.device.type == "cpu",
            ddp_find_unused_parameters=False,
            save_strategy="no",
            eval_strategy="no",
            logging_strategy="no",
            logging_nan_inf_filter=False,
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        # One GPU a process: the library would have DataParallel cut every micro-batch into pieces for all that it sees.
        arguments._n_gpu = min(arguments.n_gpu, 1)
        weights = trainee.trainable()
        self.weights = weights
        optimiser = torch.optim.AdamW(_groups(weights, recipe.optimiser.weight_decay), lr=recipe.optimiser.learning_rate)
        if standing.step:
            checkpoints.restore(folder / CHECKPOINT, weights, optimiser)
        rates = torch.optim.lr_scheduler.LambdaLR(optimiser, _rate(recipe.optimiser), last_epoch=standing.step - 1)
        self.rates = rates
        loss = info_nce(
            trainee.model,
            temperature=recipe.loss.temperature,
            negatives=recipe.loss.negatives,
            hardness=recipe.loss.hardness,
            tokens=recipe.compute.micro_batch_tokens,
            cache_gradients=recipe.compute.cache_gradients,
            gather=arguments.world_size > 1,
        )
        self._data = _Steps(batches, texts, trainee)
        self._data.rank, self._data.world = arguments.process_index, arguments.world_size
        self.batches = batches
        self.standing = standing
        watch = _Watch(self, recipe, folder, look, progress)
        super().__init__(
            model=trainee.model,
            args=arguments,
            loss=loss,
            callbacks=[watch],
            optimizers=(optimiser, rates),
            data_collator=_first,  # type: ignore[arg-type]  # never called: see get_train_dataloader
        )
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """The steps that are left. Each process takes its own part of each, so the library has nothing to share out."""
        steps = _From(self.standing.step, self.args.max_steps)
        return DataLoader(self._data, batch_sampler=steps, collate_fn=_first)

    def training_step(self, *inputs: Any, **options: Any) -> Tensor:
        """A step whose dropout depends on the recipe's seed, the step and the process alone: it is the same after a resume."""
        keys = (self.args.seed, self.state.global_step, self.args.process_index)
        torch.manual_seed(int(np.random.SeedSequence(keys).generate_state(1, np.uint64)[0] >> 1))
        return super().training_step(*inputs, **options)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *rest: Any, **options: Any) -> Any:
        """The loss of a step.

        Raises:
            HybridBenchError: if it is not finite; no weight is changed by it.
        """
        loss = cast(Tensor, super().compute_loss(model, inputs, *rest, **options))
        self.last_loss = loss.detach().clone()
        if not math.isfinite(float(self.last_loss)):
            self.stop("the loss")
        return loss

    def stop(self, what: str) -> None:
        """Raise HybridBenchError: something of the step that is under way is not finite."""
        batch = self.batches.at(self.state.global_step)
        kept = f"The checkpoint of step {self.standing.step} is kept." if self.standing.step else "There is no checkpoint yet."
        raise HybridBenchError(
            f"{what} of step {self.state.global_step + 1} is not finite: "
            f"a {batch.kind} batch of {batch.source}, {languages(batch)}",
            f"{kept} Lower optimiser.learning_rate, or use precision fp32: that is another recipe, for another folder.",
        )


#: A batch with more language pairs than these is logged with their number.
_PAIRS_NAMED = 4
#: Files in the folder of a training.
CHECKPOINT, LOG = "checkpoint.safetensors", "training.jsonl"


def best_weights(step: int | str) -> str:
    """The file of the best weights so far. By their step: what a checkpoint names is there until the next one names others."""
    return f"best-{step}.safetensors"


class _Watch(TrainerCallback):
    """After every step: the log, the dev set, the checkpoint."""

    def __init__(self, trainer: HybridTrainer, recipe: Recipe, folder: Path, look: Look | None, progress: Progress) -> None:
        self._trainer = trainer
        self._recipe = recipe
        self._folder = folder
        self._look = look
        self._progress = progress
        #: Of the steps since they were last spoken of.
        self._losses: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        state.global_step = self._trainer.standing.step
        if state.is_world_process_zero:
            _cut_log(self._folder / LOG, state.global_step)
        if self._look and not state.global_step:
            self._evaluate(state)
        self._progress.start("training", self._recipe.optimiser.steps * self._recipe.batches.size)
        self._progress.advance(state.global_step * self._recipe.batches.size)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        gradients = [weight.grad for weight in self._trainer.weights.values() if weight.grad is not None]
        # Stacked, so that a GPU is waited for once.
        if not torch.stack([gradient.isfinite().all() for gradient in gradients]).all():
            self._trainer.stop("the gradient")

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        step = state.global_step
        standing = self._trainer.standing
        batch = self._trainer.batches.at(step - 1)
        loss = self._trainer.last_loss
        if args.world_size > 1:
            torch.distributed.all_reduce(loss)
            loss = loss / args.world_size
        record = {"step": step, "loss": float(loss), "kind": batch.kind, "source": batch.source, "languages": languages(batch)}
        self._log(state, record | {"learning_rate": self._trainer.rates.get_last_lr()[0]})
        self._progress.advance(len(batch.rows))
        self._losses.append(record["loss"])
        last = step == self._recipe.optimiser.steps
        if self._look and (last or step % self._recipe.dev.every == 0):
            self._evaluate(state)
            patience = self._recipe.dev.patience
            if patience and standing.waited >= patience and not last:
                self._progress.say(
                    f"stopped at step {step}: no better dev {self._recipe.dev.metric} since step {standing.best_step}"
                )
                control.should_training_stop = last = True
        if last or step % self._recipe.compute.checkpoint_every == 0:
            standing.step = step
            if self._losses:
                self._progress.say(f"step {step}: {self._trained()}")
            if state.is_world_process_zero:
                checkpoints.save(self._folder / CHECKPOINT, standing, self._trainer.weights, self._trainer.optimizer)
                for path in self._folder.glob(best_weights("*")):
                    if path.name != best_weights(standing.best_step):
                        path.unlink()

    def _evaluate(self, state: Any) -> None:
        """Score the dev set, and keep the weights if they are the best so far."""
        if self._look is None:
            return
        standing, metric = self._trainer.standing, self._recipe.dev.metric
        scores = self._look()
        value = -scores[metric] if metric == "loss" else scores[metric]
        if not math.isfinite(value):
            raise HybridBenchError(
                f"the dev {metric} at step {state.global_step} is not finite",
                "Hold out more questions (dev.questions), or look at another dev.metric.",
            )
        better = standing.best is None or value > standing.best
        if better:
            standing.best, standing.best_step, standing.waited = value, state.global_step, 0
            if state.is_world_process_zero:
                kept = Standing(standing.recipe, state.global_step, value, state.global_step)
                checkpoints.save(self._folder / best_weights(state.global_step), kept, self._trainer.weights)
        else:
            standing.waited += 1
        self._log(state, {"step": state.global_step, "dev": scores})
        shown = "  ".join(f"{name} {score:.4g}" for name, score in scores.items())
        trained = f"{self._trained()}  " if self._losses else ""
        self._progress.say(f"step {state.global_step}: {trained}dev {shown}{'  (best)' if better else ''}")

    def _trained(self) -> str:
        """The mean loss of the steps since it was last said; there has to be one."""
        mean = sum(self._losses) / len(self._losses)
        self._losses.clear()
        return f"loss {mean:.4g}"

    def _log(self, state: Any, record: dict[str, Any]) -> None:
        if state.is_world_process_zero:
            with (self._folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")


def languages(batch: Batch) -> str:
    """The language pairs of a batch, as text: ``en-de``; of many, their number."""
    pairs = sorted({str(pair) for pair in batch.pairs})
    return " ".join(pairs) if len(pairs) <= _PAIRS_NAMED else f"{len(pairs)} pairs"


def _cut_log(path: Path, step: int) -> None:
    """Leave out what was logged after the checkpoint: it is trained again."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            done = json.loads(line)["step"]
        except (ValueError, KeyError):
            break
        if done > step or not step:
            break
        kept.append(line + "\n")
    atomic.write(path, "".join(kept).encode())


def _first(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A step is one item already."""
    return items[0]


def _groups(weights: dict[str, torch.nn.Parameter], decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases and the gains of normalisations do not."""
    matrices = [weight for weight in weights.values() if weight.ndim > 1]
    vectors = [weight for weight in weights.values() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def _rate(optimiser: Optimiser) -> Callable[[int], float]:
    """The share of the learning rate at a step: up over the warm-up, then down to 0 as the schedule says."""
    warmup = round(optimiser.warmup * optimiser.steps)

    def share(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = (step - warmup) / max(1, optimiser.steps - warmup)
        return {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2, "constant": 1.0}[optimiser.schedule]

    return share
