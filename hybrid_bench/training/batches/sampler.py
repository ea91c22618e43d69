"""Hybrid batches in other training loops: the trainer of sentence-transformers, and plain PyTorch data loaders.

In a ``SentenceTransformerTrainer``, each language pair is a separate dataset (a view of the same table), and the sampler
yields the rows of each step::

    from hybrid_bench.training.batches.batches import Batches
    from hybrid_bench.training.batches.sampler import multi_dataset_sampler, pair_datasets
    from hybrid_bench.training.batches.strategies import hybrid
    from hybrid_bench.training.data.table import ParallelTable

    table = ParallelTable.load(Path("data/mix"))  # written by `hybrid-bench training-data build`
    batches = Batches(table, hybrid(0.5), batch_size=64, seed=0)
    SentenceTransformerTrainer(
        model,
        SentenceTransformerTrainingArguments(
            ...,
            max_steps=1000,
            multi_dataset_batch_sampler=multi_dataset_sampler(batches, 1000),
            prompts={"query": "query: ", "passage": "passage: "},  # of the model; the datasets have none
        ),
        train_dataset=pair_datasets(batches),
        loss=MultipleNegativesRankingLoss(model),
    )

With ``world`` processes, ``multi_dataset_sampler(batches, steps, world)`` yields the parts of a step in order of rank, as
accelerate distributes them: at every step all processes have the same batch kind and languages, and no row is used twice.

In plain PyTorch, use the same sampler::

    views = ConcatDataset(pair_datasets(batches).values())
    DataLoader(views, batch_sampler=multi_dataset_sampler(batches, 1000)(views))

or a dataset of texts, whose item is one process's part of a step (also for code-switched batches)::

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
    """A dataset per language pair, keyed ``en-de``, with columns ``query`` and ``passage``.

    The datasets are views of the table; texts are not copied.

    Raises:
        HybridBenchError: for code-switched batches, whose texts are not in the table.
    """
    from datasets import DatasetDict

    if batches.strategy.switched:
        raise HybridBenchError("code-switched texts are generated at each step, not stored", "Use StepTexts.")
    found = DatasetDict()
    for pair in batches.pairs:
        columns = {f"question.{pair.query}": "query", f"sentence.{pair.passage}": "passage"}
        view = batches.table.dataset.select(batches.rows_of(pair)).select_columns(list(columns))
        found[str(pair)] = view.rename_columns(columns)
    return found


def multi_dataset_sampler(
    batches: Batches, steps: int, world: int = 1, first_step: int = 0
) -> Callable[..., MultiDatasetDefaultBatchSampler]:
    """A value for ``multi_dataset_batch_sampler`` of the training arguments, for the datasets of :func:`pair_datasets`.

    Args:
        batches: the batches.
        steps: the steps in an epoch of the trainer.
        world: the number of processes; for every step the sampler yields the part of each, in order of rank.
        first_step: the first step; each epoch of the trainer continues after the previous one.
    """
    return _SamplerFactory(batches, steps, world, first_step)


class _SamplerFactory:
    """Creates samplers. Its pickled form, which a trainer stores with its arguments, excludes the training data."""

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
        """Yields indices into the concatenated pair datasets, one list per step and process."""

        def __init__(self, dataset: Any, batches: Batches, steps: int, world: int, first_step: int) -> None:
            rows = {pair: batches.rows_of(pair) for pair in batches.pairs}
            sizes = [len(one) for one in dataset.datasets]
            if sizes != [len(own) for own in rows.values()]:
                raise HybridBenchError(
                    f"the datasets have {sizes} rows, but the batches need {[len(own) for own in rows.values()]}",
                    "Pass all of pair_datasets(batches), in its order.",
                )
            # Attributes of the library's base class, whose constructor needs a sampler for each dataset.
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
            # With several processes, accelerate wraps the batch sampler and sets the epoch on the dataset instead.
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
    """A map-style dataset whose items are the texts of one step, for ``DataLoader(..., batch_size=None)``.

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
