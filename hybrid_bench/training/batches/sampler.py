"""Hybrid batches in other people's loops: sentence-transformers' trainer, and a plain PyTorch loader.

In a ``SentenceTransformerTrainer``, each language pair is a dataset of its own (a view on the one table), and the sampler
says which of their rows make up each step::

    from hybrid_bench.training.batches import Batches
    from hybrid_bench.training.parallel import ParallelTable
    from hybrid_bench.training.sampler import multi_dataset_sampler, pair_datasets
    from hybrid_bench.training.strategies import hybrid

    table = ParallelTable.load(Path("data/mix"))  # of `hybrid-bench training-data build`
    batches = Batches(table, hybrid(0.5), batch_size=64, seed=0)
    SentenceTransformerTrainer(
        model,
        SentenceTransformerTrainingArguments(
            ...,
            max_steps=1000,
            multi_dataset_batch_sampler=multi_dataset_sampler(batches, 1000),
            prompts={"query": "query: ", "passage": "passage: "},  # as the model wants them; the datasets hold bare texts
        ),
        train_dataset=pair_datasets(batches),
        loss=MultipleNegativesRankingLoss(model),
    )

With ``world`` processes, ``multi_dataset_sampler(batches, steps, world)`` yields the parts of a step one after the other, as
accelerate hands them out: every process has the same kind and languages at the same step, and no row twice.

In plain PyTorch, the same sampler does::

    views = ConcatDataset(pair_datasets(batches).values())
    DataLoader(views, batch_sampler=multi_dataset_sampler(batches, 1000)(views))

or, for texts that are already put together, one process's part a step (code-switched ones too)::

    DataLoader(StepTexts(batches, 1000, rank=0, world=2), batch_size=None)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.batches.pairs import LanguagePair

if TYPE_CHECKING:
    from datasets import DatasetDict
    from sentence_transformers.base.sampler import MultiDatasetDefaultBatchSampler


def pair_datasets(batches: Batches) -> DatasetDict:
    """A dataset for each language pair that batches are drawn from, keyed ``en-de``, with columns ``query`` and ``passage``.

    They are views: the texts stay in the table.

    Raises:
        HybridBenchError: for code-switched batches, whose texts are no rows of the table.
    """
    from datasets import DatasetDict

    if batches.strategy.switched:
        raise HybridBenchError("code-switched texts are made a step at a time, not stored", "Use StepTexts.")
    found = DatasetDict()
    for pair in batches.pairs:
        columns = {f"question.{pair.query}": "query", f"sentence.{pair.passage}": "passage"}
        view = batches.table.dataset.select(batches.rows_of(pair)).select_columns(list(columns))
        found[str(pair)] = view.rename_columns(columns)
    return found


def multi_dataset_sampler(
    batches: Batches, steps: int, world: int = 1, first_step: int = 0
) -> Callable[..., MultiDatasetDefaultBatchSampler]:
    """What ``multi_dataset_batch_sampler`` of the training arguments takes, for the datasets of :func:`pair_datasets`.

    Args:
        batches: what to draw.
        steps: how many steps an epoch of the trainer has.
        world: processes; the sampler yields the part of each, in order, for every step.
        first_step: begin here; each epoch of the trainer goes on where the one before ended.
    """
    return _SamplerMaker(batches, steps, world, first_step)


class _SamplerMaker:
    """Makes a sampler of batches; where a trainer stores its arguments, the training data stay out of it."""

    def __init__(self, batches: Batches, steps: int, world: int, first_step: int) -> None:
        self._batches = batches
        self._counts = steps, world, first_step

    def __call__(
        self, dataset: Any, batch_samplers: Any = (), generator: Any = None, seed: int = 0
    ) -> MultiDatasetDefaultBatchSampler:
        sampler: MultiDatasetDefaultBatchSampler = _sampler_class()(dataset, self._batches, *self._counts)
        return sampler

    def __getstate__(self) -> dict[str, Any]:
        return {"_counts": self._counts}


@functools.cache
def _sampler_class() -> Any:
    from sentence_transformers.base.sampler import MultiDatasetDefaultBatchSampler

    class HybridBatchSampler(MultiDatasetDefaultBatchSampler):
        """Indices into the concatenated pair datasets, a list a step and process."""

        def __init__(self, dataset: Any, batches: Batches, steps: int, world: int, first_step: int) -> None:
            rows = {pair: batches.rows_of(pair) for pair in batches.pairs}
            sizes = [len(one) for one in dataset.datasets]
            if sizes != [len(own) for own in rows.values()]:
                raise HybridBenchError(
                    f"the datasets have {sizes} rows, and these batches need {[len(own) for own in rows.values()]}",
                    "Pass pair_datasets(batches), whole and in its order.",
                )
            # The class of PyTorch's samplers asks for a size; theirs asks for samplers of the single datasets too.
            self.dataset = dataset
            self.batch_samplers: list[Any] = []
            self.batch_size = batches.batch_size // world
            self.drop_last = True
            self.generator = None
            self.seed = batches.seed
            self.epoch = 0
            self._batches = batches
            self._steps = steps
            self._world = world
            self._first = first_step
            self._rows = rows
            self._offsets = dict(zip(rows, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
            batches.at(first_step).slice(0, world)  # raises if the batch cannot be shared evenly
            # accelerate's loaders for several processes hide a batch sampler, and tell the dataset the epoch instead.
            dataset.set_epoch = self.set_epoch

        def __iter__(self) -> Iterator[list[int]]:
            start = self._first + self.epoch * self._steps
            for step in range(start, start + self._steps):
                batch = self._batches.at(step)
                for rank in range(self._world):
                    part = batch.slice(rank, self._world)
                    yield [self._place(pair, row) for pair, row in zip(part.pairs, part.rows.tolist(), strict=True)]

        def _place(self, pair: LanguagePair, row: int) -> int:
            return int(self._offsets[pair] + np.searchsorted(self._rows[pair], row))

        def __len__(self) -> int:
            return self._steps * self._world

    return HybridBatchSampler


class StepTexts:
    """A map-style dataset whose item is the texts of one step, for ``DataLoader(..., batch_size=None)``.

    An item has ``query`` and ``passage`` (lists of texts), ``query_language`` and ``passage_language`` (lists of codes).
    """

    def __init__(self, batches: Batches, steps: int, rank: int = 0, world: int = 1) -> None:
        batches.at(0).slice(rank, world)  # raises if the batch cannot be shared evenly
        self._batches = batches
        self._steps = steps
        self._rank = rank
        self._world = world

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> dict[str, list[str]]:
        if not 0 <= step < self._steps:
            raise IndexError(step)
        batch = self._batches.at(step).slice(self._rank, self._world)
        queries, passages = self._batches.texts(batch)
        return {
            "query": queries,
            "passage": passages,
            "query_language": [pair.query for pair in batch.pairs],
            "passage_language": [pair.passage for pair in batch.pairs],
        }
