"""A batch: the rows and the language pairs that one training step uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.batches.pairs import LanguagePair
from hybrid_bench.training.batches.strategies import BatchKind

#: ``batch``: all examples of a batch have the same language pair, as in the paper. ``example``: each example has its own pair.
Mode = Literal["batch", "example"]
#: The language of an example's hard negatives: that of its passage, that of its question, or any, drawn for every example.
NegativesLanguage = Literal["passage", "query", "any"]


@dataclass(frozen=True, eq=False)
class Batch:
    """The training data of one step.

    Attributes:
        step: the number of the step, from 0.
        kind: the batch kind of all examples.
        source: the source of all rows.
        pairs: the (question, passage) languages of each example.
        rows: the table row of each example.  # (batch size,) int32
    """

    step: int
    kind: BatchKind
    source: str
    pairs: tuple[LanguagePair, ...]
    rows: np.ndarray

    def slice(self, rank: int, world: int) -> Batch:
        """The part of process ``rank``; the parts of all ``world`` processes, in order of rank, make up the batch.

        Raises:
            HybridBenchError: if there is no such rank, or the batch size is not a multiple of ``world``.
        """
        if not 0 <= rank < world:
            raise HybridBenchError(f"there is no process {rank} among {world}", f"Use a rank from 0 to {world - 1}.")
        if len(self.rows) % world:
            raise HybridBenchError(
                f"a batch of {len(self.rows)} cannot be shared evenly by {world} processes",
                f"Make the batch size a multiple of {world}.",
            )
        size = len(self.rows) // world
        part = slice(rank * size, (rank + 1) * size)
        return Batch(self.step, self.kind, self.source, self.pairs[part], self.rows[part])
