"""All passages of several collections side by side, so that a pool is a set of columns of one score matrix."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Columns:
    """Passage vectors in the order in which ties are broken: TREC ids descending, as trec_eval sorts.

    Attributes:
        vectors: (passages, dimension) float32.
        ids: TREC ids, descending.
        names: the collections.
        collection: (passages,) index into ``names``.
        position: TREC id to column.
        pools: pool of several of these collections to their names.
    """

    vectors: np.ndarray
    ids: Sequence[str]
    names: tuple[str, ...]
    collection: NDArray[np.int32]
    position: Mapping[str, int]
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def stack(
        cls,
        vectors: Mapping[str, np.ndarray],
        ids: Mapping[str, Sequence[str]],
        pools: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Columns:
        """Stack the passages of several collections.

        Args:
            vectors: collection to (passages, dimension) float32.
            ids: collection to the TREC ids of its rows.
            pools: pool of several collections to their names; those that are not all stacked are left out.

        Raises:
            HybridBenchError: if an id occurs twice.
        """
        import numpy as np

        names = tuple(ids)
        everything = np.array([doc_id for of in ids.values() for doc_id in of], dtype=object)
        sizes = [len(of) for of in ids.values()]
        # For valid text the order of code points is that of UTF-8 bytes, which trec_eval compares.
        order = np.array(sorted(range(len(everything)), key=everything.__getitem__, reverse=True), dtype=np.intp)
        position = {doc_id: column for column, doc_id in enumerate(everything[order])}
        if len(position) < len(everything):
            twice = next((name for name, of in ids.items() if len(set(of)) < len(of)), None)
            if twice is not None:
                raise HybridBenchError(
                    f"passage ids occur more than once in the collection {twice}", "Give every passage its own id."
                )
            raise HybridBenchError("passage ids occur in more than one collection", "State unique_ids=False on the suite.")
        collection = np.repeat(np.arange(len(names), dtype=np.int32), sizes)[order]
        stacked = np.concatenate([vectors[name] for name in names])[order]
        inside = {name: pool for name, pool in (pools or {}).items() if len(pool) > 1 and set(pool) <= set(names)}
        return cls(stacked, everything[order].tolist(), names, collection, position, inside)

    @functools.cached_property
    def blocks(self) -> Mapping[str, slice] | None:
        """Collection to its range of columns, if ids sort by collection; None if columns of collections alternate."""
        import numpy as np

        starts = np.flatnonzero(np.diff(self.collection, prepend=-1))
        if len(starts) > len(self.names):
            return None
        stops = [*starts[1:].tolist(), len(self.collection)]
        return {
            self.names[self.collection[start]]: slice(start, stop) for start, stop in zip(starts.tolist(), stops, strict=True)
        }

    def whole(self, pool: str) -> bool:
        """Whether a pool is all columns."""
        return set(self.pools.get(pool, (pool,))) == set(self.names)

    def inside(self, pool: str) -> slice | NDArray[np.intp]:
        """The columns of a pool, ascending."""
        import numpy as np

        if self.whole(pool):
            return slice(0, len(self.ids))
        if pool not in self.pools and self.blocks is not None:
            return self.blocks[pool]
        codes = [self.names.index(name) for name in self.pools.get(pool, (pool,))]
        return np.flatnonzero(np.isin(self.collection, codes))
