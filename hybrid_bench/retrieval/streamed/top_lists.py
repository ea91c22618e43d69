"""Top-k lists as scores and passage numbers; document ids resolve ties at the end of a list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Looks up document ids: (numbers,) to (numbers,) bytes.
IdsOf = Callable[["NDArray[np.int64]"], "NDArray[np.object_]"]


@dataclass(frozen=True)
class TopLists:
    """The best ``depth`` passages of each query, exactly: by score descending, then document id descending.

    Entries are sorted by score descending, then number ascending, which needs no ids.

    Attributes:
        scores: (queries, depth) float32, -inf for empty entries.
        numbers: (queries, depth) int64 positions in the collection, -1 for empty entries.
    """

    scores: NDArray[np.float32]
    numbers: NDArray[np.int64]

    @classmethod
    def empty(cls, queries: int, depth: int) -> TopLists:
        """Lists without passages."""
        return cls(np.full((queries, depth), -np.inf, np.float32), np.full((queries, depth), -1, np.int64))

    @property
    def floor(self) -> NDArray[np.float32]:
        """The score that a passage must reach to enter the list: (queries,)."""
        return self.scores[:, -1]

    def merged(self, other: TopLists, ids_of: IdsOf) -> TopLists:
        """Merge with lists of other passages."""
        from hybrid_bench.retrieval.streamed.kernels import merge

        found = TopLists.empty(*self.scores.shape)
        tied = np.zeros(len(self.scores), np.bool_)
        merge(self.scores, self.numbers, other.scores, other.numbers, found.scores, found.numbers, tied)
        for query in np.flatnonzero(tied):
            scores = np.concatenate([self.scores[query], other.scores[query]])
            numbers = np.concatenate([self.numbers[query], other.numbers[query]])
            chosen = best(scores, numbers, self.scores.shape[1], ids_of)
            found.scores[query], found.numbers[query] = scores[chosen], numbers[chosen]
        return found


def best(scores: NDArray[np.float32], numbers: NDArray[np.int64], depth: int, ids_of: IdsOf) -> NDArray[np.int64]:
    """Positions of the ``depth`` best, by score descending, then number ascending; ids resolve ties for the last entries."""
    last = np.partition(scores, len(scores) - depth)[len(scores) - depth]
    sure, ties = np.flatnonzero(scores > last), np.flatnonzero(scores == last)
    ids = ids_of(numbers[ties])
    by_id = sorted(range(len(ties)), key=lambda at: ids[at], reverse=True)
    chosen = np.concatenate([sure, ties[by_id[: depth - len(sure)]]])
    return chosen[np.lexsort((numbers[chosen], -scores[chosen]))]
