"""The best documents for each query, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Queries whose scores are in memory at a time.
_QUERIES = 256


class Ranking:
    """The documents with the highest scores, ties by document id descending as in trec_eval.

    Args:
        query_ids: of the queries.
        queries: (queries, dimension) float32.
        top_k: documents a query, at most.
        only: query id to the documents that are ranked for it; all by default.
    """

    def __init__(
        self, query_ids: Sequence[str], queries: NDArray[np.float32], top_k: int, only: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._queries = queries
        self._top_k = top_k
        self._only = only
        self._found: dict[str, dict[str, float]] = {query_id: {} for query_id in query_ids}

    def add(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Score some documents.

        Args:
            ids: of the documents.
            vectors: (documents, dimension) float32.
        """
        places = {name: place for place, name in enumerate(ids)} if self._only is not None else {}
        for query_id, scores in self._scores(vectors):
            if self._only is None:
                chosen = _best(scores, self._top_k)
            else:
                chosen = np.array([places[name] for name in self._only.get(query_id, ()) if name in places], np.int64)
            found = self._found[query_id]
            found.update(zip([ids[place] for place in chosen.tolist()], scores[chosen].tolist(), strict=True))
            if len(found) > self._top_k:
                ordered = sorted(found.items(), key=lambda hit: (hit[1], hit[0]), reverse=True)
                self._found[query_id] = dict(ordered[: self._top_k])

    def _scores(self, vectors: NDArray[np.float32]) -> Iterator[tuple[str, NDArray[np.float32]]]:
        names = list(self._found)
        # The linear algebra library sums in another order at the edges of a matrix: equal vectors get the score of the first.
        _, first, place = np.unique(vectors, axis=0, return_index=True, return_inverse=True)
        same = first[place.ravel()]
        for start in range(0, len(names), _QUERIES):
            scores = self._queries[start : start + _QUERIES] @ vectors.T
            yield from zip(names[start : start + _QUERIES], scores[:, same], strict=True)

    def found(self) -> dict[str, dict[str, float]]:
        """Query id to document id to score."""
        return self._found


def _best(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The places of the highest scores, with all that are equal to the lowest of them."""
    if len(scores) <= count:
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, -count)[-count])
