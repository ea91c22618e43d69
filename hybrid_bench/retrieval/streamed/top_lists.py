"""The best passages of each query, as scores and running numbers; ties at the end of a list are settled by document ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: (numbers,) to (numbers,) document ids as bytes.
IdsOf = Callable[["NDArray[np.int64]"], "NDArray[np.object_]"]


@dataclass(frozen=True)
class TopLists:
    """The best ``depth`` passages of each query, exactly: by score descending, then document id descending.

    Inside a list they stand by score descending, then number ascending, which takes no ids to tell.

    Attributes:
        scores: (queries, depth) float32, -inf where there are fewer passages.
        numbers: (queries, depth) int64, -1 there.
    """

    scores: NDArray[np.float32]
    numbers: NDArray[np.int64]

    @classmethod
    def empty(cls, queries: int, depth: int) -> TopLists:
        """Nothing found yet."""
        return cls(np.full((queries, depth), -np.inf, np.float32), np.full((queries, depth), -1, np.int64))

    @property
    def floor(self) -> NDArray[np.float32]:
        """(queries,) the score that a passage has to reach to get into the list."""
        return self.scores[:, -1]

    def merged(self, other: TopLists, ids_of: IdsOf) -> TopLists:
        """The best of both, which have no passage in common."""
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
    """Where the ``depth`` best stand, by score descending, then number ascending; ids decide who of the last ones stays."""
    last = np.partition(scores, len(scores) - depth)[len(scores) - depth]
    sure, ties = np.flatnonzero(scores > last), np.flatnonzero(scores == last)
    ids = ids_of(numbers[ties])
    by_id = sorted(range(len(ties)), key=lambda at: ids[at], reverse=True)
    chosen = np.concatenate([sure, ties[by_id[: depth - len(sure)]]])
    return chosen[np.lexsort((numbers[chosen], -scores[chosen]))]
