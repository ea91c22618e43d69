"""Speed and memory of training: the shipped recipe compared with ``SentenceTransformerTrainer`` with default settings.

    tox run -e benchmarks                      # or: python benchmarks/training.py [--steps 4 --turns 3]

Both train me5-small on the same batches, in turns, so that other load on the machine affects both. Prints one ratio per line.
Needs the training data: without network access, set HYBRID_BENCH_MIRROR.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import TrainerCallback

from hybrid_bench.encoders.guarded import quiet_transformers
from hybrid_bench.support.progress import SilentProgress
from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.batches.sampler import multi_dataset_sampler, pair_datasets
from hybrid_bench.training.loop.checkpoints import TrainingState
from hybrid_bench.training.loop.trainable_model import TrainableModel
from hybrid_bench.training.loop.trainer import HybridTrainer
from hybrid_bench.training.recipe import Recipe
from hybrid_bench.training.train import batches_of, data_of

RECIPE = Path(__file__).resolve().parent.parent / "recipes" / "hybrid-me5-small.toml"


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4, help="steps of a turn")
    parser.add_argument("--turns", type=int, default=3, help="turns of each contestant")
    parser.add_argument("--memory-steps", type=int, default=60, help="steps over which memory is watched, before the turns")
    arguments = parser.parse_args()

    recipe, long = (
        Recipe.read(RECIPE, {"optimiser.steps": steps, "compute.checkpoint_every": steps})
        for steps in (arguments.steps, arguments.memory_steps)
    )
    mix = data_of(recipe)
    batches = batches_of(recipe, mix.table)
    with quiet_transformers(), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(recipe.seed)
        model = TrainableModel.load(recipe, "cpu")
        memory = _Memory()
        watched = HybridTrainer(model, long, batches, Path(folder), TrainingState(""), None, SilentProgress())
        watched.add_callback(memory)
        watched.train()
        default = _default_model(model)
        spent = {"ours": [0.0, 0.0], "default": [0.0, 0.0]}
        for _ in range(arguments.turns):
            ours = HybridTrainer(model, recipe, batches, Path(folder), TrainingState(""), None, SilentProgress())
            _measure(ours, spent["ours"])
            _measure(_default_trainer(default, batches, arguments.steps, Path(folder)), spent["default"])
        loading = _seconds_to_load(ours, arguments.steps)

    pairs = arguments.turns * arguments.steps * recipe.batches.size
    for name, (wall, processor) in spent.items():
        print(f"{name}: {pairs / wall:.2f} pairs a second, {processor / pairs:.3f} processor seconds a pair")
    ratios = [spent["default"][clock] / spent["ours"][clock] for clock in (0, 1)]
    print(f"speed of the recipe / SentenceTransformerTrainer's default: {ratios[0]:.2f} (at least 2.5)")
    print(f"the same by processor time, which other work on the machine does not change: {ratios[1]:.2f}")
    share = loading / (spent["ours"][0] / arguments.turns / arguments.steps)
    print(f"sampling and loading / a step: {share:.4f} (at most .03)")
    for quarter in (1, 2, 3, 4):
        steps = max(1, arguments.memory_steps * quarter // 4)
        print(f"memory after {steps} training steps: {memory.sizes[steps - 1] / 2**20:.0f} MiB (flat)")


class _Memory(TrainerCallback):
    """Resident memory after every step."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def on_step_end(self, *arguments: Any, **options: Any) -> None:
        self.sizes.append(psutil.Process().memory_info().rss)


def _default_model(model: TrainableModel) -> SentenceTransformer:
    transformer = Transformer(str(model.base.folder))
    return SentenceTransformer(modules=[transformer, Pooling(model.base.card.dimension or 0, "mean"), Normalize()], device="cpu")


def _default_trainer(model: SentenceTransformer, batches: Batches, steps: int, folder: Path) -> SentenceTransformerTrainer:
    """As its documentation shows it, on the same batches; nothing chosen but what makes it comparable and silent."""
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder / "default"),
        max_steps=steps,
        per_device_train_batch_size=batches.batch_size,
        multi_dataset_batch_sampler=multi_dataset_sampler(batches, steps),
        prompts={"query": "query: ", "passage": "passage: "},
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    return SentenceTransformerTrainer(
        model, arguments, train_dataset=pair_datasets(batches), loss=MultipleNegativesRankingLoss(model)
    )


def _measure(trainer: SentenceTransformerTrainer, spent: list[float]) -> None:
    """Add the wall and processor time of a turn."""
    wall, processor = time.perf_counter(), time.process_time()
    trainer.train()
    spent[0] += time.perf_counter() - wall
    spent[1] += time.process_time() - processor


def _seconds_to_load(trainer: HybridTrainer, steps: int) -> float:
    """Wall time to draw, read and tokenise a batch."""
    trainer.training_state.step = 0
    start = time.perf_counter()
    for _ in trainer.get_train_dataloader():
        pass
    return (time.perf_counter() - start) / steps


if __name__ == "__main__":
    main()
