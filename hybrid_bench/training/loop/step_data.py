"""The data loader's parts: a dataset whose items are the token ids of a step, and the order of the steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch.utils.data import Dataset

from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.loop.teacher import Teacher
from hybrid_bench.training.loop.trainable_model import TrainableModel


class StepDataset(Dataset[dict[str, Any]]):
    """A map-style dataset: the item at a step is the tokenised batch, or one process's part of it.

    Args:
        batches: the batches.
        model: its tokenizer, prefixes and maximum lengths are used.
        rank: number of the process.
        world: number of processes.
        teacher: gives the targets of distillation, as ``label``; None: there are none.
    """

    def __init__(self, batches: Batches, model: TrainableModel, rank: int, world: int, teacher: Teacher | None = None) -> None:
        self._batches = batches
        self._model = model
        self._rank = rank
        self._world = world
        self._teacher = teacher

    def __getitem__(self, step: int) -> dict[str, Any]:
        whole = self._batches.at(step)
        batch = whole.slice(self._rank, self._world)
        questions, passages = self._batches.texts(batch)
        columns = {"query": self._model.tokenize(questions, "query"), "passage": self._model.tokenize(passages, "passage")}
        size = len(batch.rows)
        for number, texts in enumerate(self._batches.negatives(whole)):
            part = texts[self._rank * size : (self._rank + 1) * size]
            columns[f"negative{number}"] = self._model.tokenize(part, "passage")
        item = {f"{column}_{name}": values for column, features in columns.items() for name, values in features.items()}
        if self._teacher:
            item["label"] = self._teacher.targets(*self._batches.originals(batch, self._teacher.language))
        return item


class StepSampler:
    """A batch sampler that yields one step at a time, starting after the last checkpoint.

    Args:
        first: the first step.
        steps: the number of steps of the whole training.
    """

    def __init__(self, first: int, steps: int) -> None:
        self._first, self._steps = first, steps

    def __iter__(self) -> Iterator[list[int]]:
        return ([step] for step in range(self._first, self._steps))

    def __len__(self) -> int:
        return self._steps - self._first


def collate_step(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The only item: a step is already a whole batch."""
    return items[0]
