"""The trainer of sentence-transformers, with the batches of a strategy, reproducible steps and own checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PrinterCallback

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.progress import Progress
from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.loop import checkpoints
from hybrid_bench.training.loop.callback import EvaluateDev, HybridTrainerCallback
from hybrid_bench.training.loop.checkpoints import CHECKPOINT, TrainingState
from hybrid_bench.training.loop.log import language_pairs
from hybrid_bench.training.loop.loss import info_nce
from hybrid_bench.training.loop.optimiser import adamw, learning_rate_factor
from hybrid_bench.training.loop.step_data import StepDataset, StepSampler, collate_step
from hybrid_bench.training.loop.teacher import Teacher
from hybrid_bench.training.loop.trainable_model import TrainableModel
from hybrid_bench.training.recipe import Recipe


class HybridTrainer(SentenceTransformerTrainer):
    """The trainer of sentence-transformers on the batches of a strategy.

    Batches, checkpoints, development scores and the log are implemented here; the training loop, the optimiser step, autocast
    and multiple processes are the library's.

    Args:
        model: the model to train.
        recipe: every choice.
        batches: of the training data.
        folder: for checkpoints and the log.
        training_state: where to resume.
        evaluate_dev: scores the development set; None: there is none.
        progress: notified of every step.
        teacher: for strategies with distillation.
    """

    def __init__(
        self,
        model: TrainableModel,
        recipe: Recipe,
        batches: Batches,
        folder: Path,
        training_state: TrainingState,
        evaluate_dev: EvaluateDev | None,
        progress: Progress,
        teacher: Teacher | None = None,
    ) -> None:
        network = model.network
        arguments = SentenceTransformerTrainingArguments(
            output_dir=str(folder),
            max_steps=recipe.optimiser.steps,
            per_device_train_batch_size=recipe.batches.size,
            max_grad_norm=recipe.optimiser.max_gradient,
            bf16=recipe.compute.precision == "bf16",
            seed=recipe.seed,
            use_cpu=network.device.type == "cpu",
            ddp_find_unused_parameters=False,
            save_strategy="no",
            eval_strategy="no",
            logging_strategy="no",
            logging_nan_inf_filter=False,
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        # One GPU per process: otherwise the library wraps the model in DataParallel, which splits every micro-batch.
        arguments._n_gpu = min(arguments.n_gpu, 1)
        self.weights = model.trainable_weights()
        optimiser = adamw(self.weights, recipe.optimiser)
        if training_state.step:
            checkpoints.restore(folder / CHECKPOINT, self.weights, optimiser)
        factor = learning_rate_factor(recipe.optimiser)
        self.rates = torch.optim.lr_scheduler.LambdaLR(optimiser, factor, last_epoch=training_state.step - 1)
        loss = info_nce(
            network,
            temperature=recipe.loss.temperature,
            negatives=recipe.loss.negatives,
            hardness=recipe.loss.hardness,
            tokens=recipe.compute.micro_batch_tokens,
            cache_gradients=recipe.compute.cache_gradients,
            gather=arguments.world_size > 1,
            contrastive=recipe.strategy.contrastive,
            distillation=recipe.distillation.weight if teacher else 0.0,
        )
        self._steps = StepDataset(batches, model, arguments.process_index, arguments.world_size, teacher)
        self.batches = batches
        self.training_state = training_state
        super().__init__(
            model=network,
            args=arguments,
            loss=loss,
            callbacks=[HybridTrainerCallback(self, recipe, folder, evaluate_dev, progress)],
            optimizers=(optimiser, self.rates),
            data_collator=collate_step,  # type: ignore[arg-type]  # never called: see get_train_dataloader
        )
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """The remaining steps. Each process loads its own part of each batch, so the library does not split them."""
        steps = StepSampler(self.training_state.step, self.args.max_steps)
        return DataLoader(self._steps, batch_sampler=steps, collate_fn=collate_step)

    def training_step(self, *inputs: Any, **options: Any) -> Tensor:
        """A step whose dropout depends on the recipe's seed, the step and the process only, so it is the same after a resume."""
        keys = (self.args.seed, self.state.global_step, self.args.process_index)
        torch.manual_seed(int(np.random.SeedSequence(keys).generate_state(1, np.uint64)[0] >> 1))
        return super().training_step(*inputs, **options)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *rest: Any, **options: Any) -> Any:
        """The loss of a step.

        Raises:
            HybridBenchError: if it is not finite; the weights are unchanged.
        """
        loss = cast(Tensor, super().compute_loss(model, inputs, *rest, **options))
        self.last_loss = loss.detach().clone()
        if not math.isfinite(float(self.last_loss)):
            self.stop("the loss")
        return loss

    def stop(self, what: str) -> None:
        """Raise HybridBenchError: ``what`` is not finite in the current step."""
        batch = self.batches.at(self.state.global_step)
        step = self.training_state.step
        kept = f"The checkpoint of step {step} is kept." if step else "There is no checkpoint yet."
        raise HybridBenchError(
            f"{what} of step {self.state.global_step + 1} is not finite: "
            f"a {batch.kind} batch of {batch.source}, {language_pairs(batch)}",
            f"{kept} Lower optimiser.learning_rate, or use precision fp32; either changes the recipe, so use another --out.",
        )
