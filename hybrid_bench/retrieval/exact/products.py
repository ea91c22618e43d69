"""The score matrix, block by block: inner products in which identical passages get identical scores."""

from __future__ import annotations

import hashlib

import numpy as np

from hybrid_bench.retrieval.exact.columns import Columns


class Products:
    """Scores queries against all columns.

    The linear algebra library sums in another order at the edges of a matrix and in small ones, so that two columns that are
    the same vector may differ in the last bit. That would decide between them by chance instead of by their ids: the scores
    of the first of them are given to all.

    Args:
        columns: the passages.
    """

    def __init__(self, columns: Columns) -> None:
        self._transposed = np.ascontiguousarray(columns.vectors.T)
        self._again, self._first = _repeated(columns.vectors)

    def of(self, queries: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """(queries, dimension) float32 to (queries, passages) float32, written into ``out`` if it is given."""
        scores = np.matmul(queries, self._transposed, out=out)
        scores[:, self._again] = scores[:, self._first]
        return scores


def _repeated(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows that stood there before, and for each of them the first that is the same."""
    first: dict[bytes, int] = {}
    again, same = [], []
    for row, vector in enumerate(vectors):
        digest = hashlib.blake2b((vector + 0).tobytes(), digest_size=16).digest()  # -0. becomes 0.
        if (earlier := first.setdefault(digest, row)) != row:
            again.append(row)
            same.append(earlier)
    return np.array(again, dtype=np.intp), np.array(same, dtype=np.intp)
