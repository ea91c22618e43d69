"""The trainer callback that writes the log, evaluates on the development set, and saves checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import TrainerCallback

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.progress import Progress
from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.loop import checkpoints, log
from hybrid_bench.training.loop.checkpoints import CHECKPOINT, LOG, TRAINING, TrainingState, best_weights
from hybrid_bench.training.recipe import Recipe

#: Evaluates the model on the development set: score names to values.
EvaluateDev = Callable[[], dict[str, float]]


class CheckpointedTrainer(Protocol):
    """The parts of a trainer that its callback reads and changes; see :class:`.HybridTrainer`."""

    training_state: TrainingState
    batches: Batches
    weights: dict[str, torch.nn.Parameter]
    last_loss: torch.Tensor
    optimizer: Any
    rates: Any

    def stop(self, what: str) -> None:
        """Stop with an error after this step."""


class HybridTrainerCallback(TrainerCallback):
    """Runs after every step of a :class:`.HybridTrainer`.

    Args:
        trainer: the trainer.
        recipe: every choice.
        folder: for checkpoints and the log.
        evaluate_dev: scores the development set; None: there is none.
        progress: notified of every step.
    """

    def __init__(
        self,
        trainer: CheckpointedTrainer,
        recipe: Recipe,
        folder: Path,
        evaluate_dev: EvaluateDev | None,
        progress: Progress,
    ) -> None:
        self._trainer = trainer
        self._recipe = recipe
        self._folder = folder
        self._evaluate_dev = evaluate_dev
        self._progress = progress
        #: Losses of the steps since the last progress message.
        self._losses: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Continue after the checkpoint's step, or evaluate the base before the first step."""
        state.global_step = self._trainer.training_state.step
        if state.is_world_process_zero:
            log.truncate(self._folder / LOG, state.global_step)
        if self._evaluate_dev and not state.global_step:
            self._evaluate(state)
        self._progress.start(TRAINING, self._recipe.optimiser.steps * self._recipe.batches.size)
        self._progress.advance(state.global_step * self._recipe.batches.size)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Stop before a gradient that is not finite changes the weights."""
        gradients = [weight.grad for weight in self._trainer.weights.values() if weight.grad is not None]
        # Stacked, so that there is one synchronisation with a GPU.
        if not torch.stack([gradient.isfinite().all() for gradient in gradients]).all():
            self._trainer.stop("the gradient")

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Log the step; evaluate, save a checkpoint or stop early when it is time."""
        step = state.global_step
        training_state = self._trainer.training_state
        batch = self._trainer.batches.at(step - 1)
        loss = self._trainer.last_loss
        if args.world_size > 1:
            torch.distributed.all_reduce(loss)
            loss = loss / args.world_size
        record = {
            "step": step,
            "loss": float(loss),
            "kind": batch.kind,
            "source": batch.source,
            "languages": log.language_pairs(batch),
        }
        self._log(state, record | {"learning_rate": self._trainer.rates.get_last_lr()[0]})
        self._progress.advance(len(batch.rows))
        self._losses.append(record["loss"])
        last = step == self._recipe.optimiser.steps
        if self._evaluate_dev and (last or step % self._recipe.dev.every == 0):
            self._evaluate(state)
            patience = self._recipe.dev.patience
            if patience and training_state.waited >= patience and not last:
                self._progress.say(
                    f"stopped early at step {step}: no better dev {self._recipe.dev.metric} since step {training_state.best_step}"
                )
                control.should_training_stop = last = True
        if last or step % self._recipe.compute.checkpoint_every == 0:
            training_state.step = step
            if self._losses:
                self._progress.say(f"step {step}: {self._mean_loss()}")
            if state.is_world_process_zero:
                self._save(training_state)

    def _save(self, training_state: TrainingState) -> None:
        """Write a checkpoint, and delete the best weights of earlier ones."""
        checkpoints.save(self._folder / CHECKPOINT, training_state, self._trainer.weights, self._trainer.optimizer)
        for path in self._folder.glob(best_weights("*")):
            if path.name != best_weights(training_state.best_step):
                path.unlink()

    def _evaluate(self, state: Any) -> None:
        """Score the development set, and save the weights if they are the best so far."""
        if self._evaluate_dev is None:
            return
        training_state, metric = self._trainer.training_state, self._recipe.dev.metric
        scores = self._evaluate_dev()
        value = -scores[metric] if metric == "loss" else scores[metric]
        if not math.isfinite(value):
            raise HybridBenchError(
                f"the dev {metric} at step {state.global_step} is not finite",
                "Increase dev.questions, or choose another dev.metric.",
            )
        better = training_state.best is None or value > training_state.best
        if better:
            training_state.best, training_state.best_step, training_state.waited = value, state.global_step, 0
            if state.is_world_process_zero:
                kept = TrainingState(training_state.recipe, state.global_step, value, state.global_step)
                checkpoints.save(self._folder / best_weights(state.global_step), kept, self._trainer.weights)
        else:
            training_state.waited += 1
        self._log(state, {"step": state.global_step, "dev": scores})
        shown = "  ".join(f"{name} {score:.4g}" for name, score in scores.items())
        trained = f"{self._mean_loss()}  " if self._losses else ""
        self._progress.say(f"step {state.global_step}: {trained}dev {shown}{'  (best)' if better else ''}")

    def _mean_loss(self) -> str:
        """The mean loss of the steps since the last progress message, of which there must be one."""
        mean = sum(self._losses) / len(self._losses)
        self._losses.clear()
        return f"loss {mean:.4g}"

    def _log(self, state: Any, record: dict[str, Any]) -> None:
        if state.is_world_process_zero:
            log.append(self._folder / LOG, record)
