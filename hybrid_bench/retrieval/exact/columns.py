"""All passages of a suite side by side, so that a pool is a range of columns of one score matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Columns:
    """Passage vectors in the order in which ties are broken: document ids descending, as trec_eval sorts.

    Attributes:
        vectors: (passages, dimension) float32.
        ids: document ids, descending.
        pools: language to its range of columns; the ranges lie side by side and cover all columns.
        position: document id to column.
    """

    vectors: np.ndarray
    ids: Sequence[str]
    pools: Mapping[str, slice]
    position: Mapping[str, int]

    @classmethod
    def stack(cls, vectors: Mapping[str, np.ndarray], ids: Mapping[str, Sequence[str]]) -> Columns:
        """Stack the passages of several languages.

        Args:
            vectors: language to (passages, dimension) float32.
            ids: language to the document ids of its rows.

        Raises:
            HybridBenchError: if an id occurs twice, or ids do not sort by language.
        """
        import numpy as np

        # UTF-8 bytes, as trec_eval compares them; for valid text this is the order of code points too.
        everything = sorted(
            ((doc_id, language, row) for language, rows in ids.items() for row, doc_id in enumerate(rows)), reverse=True
        )
        position = {doc_id: column for column, (doc_id, _, _) in enumerate(everything)}
        if len(position) < len(everything):
            raise HybridBenchError("document ids occur in more than one language", "Prefix them with the language.")
        pools: dict[str, slice] = {}
        stacked = []
        start = 0
        while start < len(everything):
            language = everything[start][1]
            stop = start + len(ids[language])
            if language in pools or any(other != language for _, other, _ in everything[start:stop]):
                raise HybridBenchError("document ids do not sort by language", "Prefix them with the language.")
            pools[language] = slice(start, stop)
            stacked.append(vectors[language][[row for _, _, row in everything[start:stop]]])
            start = stop
        return cls(np.concatenate(stacked), [doc_id for doc_id, _, _ in everything], pools, position)
