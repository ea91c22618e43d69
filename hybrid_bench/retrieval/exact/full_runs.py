"""The score matrix read as full rankings: for TREC runs, and for checking the ranks against ir_measures."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from hybrid_bench.datasets.settings import Setting
from hybrid_bench.results import runs as trec
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.runs import RunWriter
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.products import Products
from hybrid_bench.retrieval.exact.ranking import row_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FullRuns:
    """All scores of a grid, block by block, exactly as its ranks were counted from.

    Attributes:
        vectors: (queries, dimension) float32, query set after query set.
        columns: the passages.
        query_ids: query set to the ids of its rows.
        settings: what can be asked.
        dropped: query set to query id to the TREC ids that its runs leave out; queries that leave out none are not there.
    """

    vectors: np.ndarray
    columns: Columns
    query_ids: Mapping[str, Sequence[str]]
    settings: Sequence[Setting]
    dropped: Mapping[str, Mapping[str, Collection[str]]] = field(default_factory=dict)

    def without(self, query_set: str, query_id: str) -> Collection[str]:
        """The TREC ids that a query's runs leave out."""
        return self.dropped.get(query_set, {}).get(query_id, ())

    def pool(self, setting: Setting) -> slice | NDArray[np.intp]:
        """The columns of a setting's pool."""
        return self.columns.inside(setting.pool)

    def blocks(self) -> Iterator[tuple[str, Sequence[str], np.ndarray]]:
        """(query set, query ids, (queries, passages) float32 scores), in the order of the queries."""
        queries = [(name, query_id) for name, ids in self.query_ids.items() for query_id in ids]
        products = Products(self.columns)
        for rows in row_blocks(len(self.vectors), len(self.columns.ids)):
            with threadpool_limits(limits=1, user_api="blas"):
                scores = products.of(self.vectors[rows])
            start = rows.start
            while start < rows.stop:
                name = queries[start][0]
                stop = start
                while stop < rows.stop and queries[stop][0] == name:
                    stop += 1
                ids = [query_id for _, query_id in queries[start:stop]]
                yield name, ids, scores[start - rows.start : stop - rows.start]
                start = stop


def write(
    runs: FullRuns,
    settings: Sequence[Setting],
    folder: Path,
    *,
    ranks: Ranks,
    depth: int,
    tag: str,
    identity: str = "",
) -> list[Path]:
    """Write gzipped TREC runs, one a setting, in canonical order: score descending, then document id descending.

    Args:
        runs: the scores.
        settings: which to write; one without queries is left out.
        folder: for files named by :func:`hybrid_bench.results.runs.file_name`.
        ranks: tell which queries a setting has.
        depth: passages a query at most.
        tag: the run's name, in its last column; spaces become ``_``.
        identity: of what the runs are of, see :func:`hybrid_bench.results.runs.identity_of`.

    Returns:
        The files. The same scores give the same bytes.

    Raises:
        HybridBenchError: if an id holds a space, which would be two columns of a run.
    """
    trec.check_ids(itertools.chain(runs.columns.ids, *runs.query_ids.values()))
    counted = {setting: set(ranks.query_ids(setting.query_set, setting.pool)) for setting in settings}
    paths = {setting: folder / trec.file_name(setting.query_set, setting.pool) for setting in settings if counted[setting]}
    ids = np.array(runs.columns.ids, dtype=object)
    with contextlib.ExitStack() as stack:
        files = {setting: stack.enter_context(RunWriter(path, tag, identity)) for setting, path in paths.items()}
        for query_set, query_ids, scores in runs.blocks():
            for setting, file in files.items():
                if setting.query_set != query_set:
                    continue
                pool = runs.pool(setting)
                for query_id, row in zip(query_ids, scores[:, pool], strict=True):
                    if query_id in counted[setting]:
                        # Stable: columns stand in descending order of ids already.
                        order = np.argsort(-row, kind="stable")
                        if without := runs.without(query_set, query_id):
                            order = order[~np.isin(ids[pool][order].astype(str), list(without))]
                        file.add(query_id, ids[pool][order[:depth]], row[order[:depth]])
    return list(paths.values())
