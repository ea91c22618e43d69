"""The score matrix read as full rankings: for TREC runs, and for checking the ranks against ir_measures."""

from __future__ import annotations

import gzip
import io
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from hybrid_bench.datasets.suite import Setting
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.retrieval.columns import Columns
from hybrid_bench.retrieval.grid import row_blocks


@dataclass(frozen=True)
class FullRuns:
    """All scores of a grid, block by block, exactly as its ranks were counted from.

    Attributes:
        vectors: (queries, dimension) float32, language after language.
        columns: the passages.
        query_ids: query language to the ids of its rows.
        settings: what can be asked.
    """

    vectors: np.ndarray
    columns: Columns
    query_ids: Mapping[str, Sequence[str]]
    settings: Sequence[Setting]

    def pool(self, setting: Setting) -> slice:
        """The columns of a setting's pool."""
        return self.columns.pools.get(setting.pool, slice(0, len(self.columns.ids)))

    def blocks(self) -> Iterator[tuple[str, Sequence[str], np.ndarray]]:
        """(query language, query ids, (queries, passages) float32 scores), in the order of the queries."""
        languages = [(language, query_id) for language, ids in self.query_ids.items() for query_id in ids]
        transposed = np.ascontiguousarray(self.columns.vectors.T)
        for rows in row_blocks(len(self.vectors), len(self.columns.ids)):
            with threadpool_limits(limits=1, user_api="blas"):
                scores = self.vectors[rows] @ transposed
            start = rows.start
            while start < rows.stop:
                language = languages[start][0]
                stop = start
                while stop < rows.stop and languages[stop][0] == language:
                    stop += 1
                ids = [query_id for _, query_id in languages[start:stop]]
                yield language, ids, scores[start - rows.start : stop - rows.start]
                start = stop


def write(runs: FullRuns, settings: Sequence[Setting], folder: Path, *, ranks: Ranks, depth: int, tag: str) -> list[Path]:
    """Write gzipped TREC runs, one a setting, in canonical order: score descending, then document id descending.

    Args:
        runs: the scores.
        settings: which to write; one without queries is left out.
        folder: where ``<query language>-<pool>.trec.gz`` goes.
        ranks: tell which queries a setting has.
        depth: passages a query at most.
        tag: the run's name, in its last column; spaces become ``_``.

    Returns:
        The files. The same scores give the same bytes.

    Raises:
        HybridBenchError: if an id holds a space, which would be two columns of a run.
    """
    for text_id in itertools.chain(runs.columns.ids, *runs.query_ids.values()):
        if text_id.split() != [text_id]:
            raise HybridBenchError(f"the id {text_id!r} cannot stand in a TREC run", "Give it a name without spaces.")
    name = "_".join(tag.split()) or "hybrid-bench"
    folder.mkdir(parents=True, exist_ok=True)
    counted = {setting: set(ranks.query_ids(setting.query_language, setting.pool)) for setting in settings}
    paths = {setting: folder / f"{setting.query_language}-{setting.pool}.trec.gz" for setting in settings if counted[setting]}
    ids = np.array(runs.columns.ids, dtype=object)
    files = {}
    try:
        for setting, path in paths.items():
            raw = path.with_name(f".{path.name}.{os.getpid()}.tmp").open("wb")
            files[setting] = (raw, io.TextIOWrapper(gzip.GzipFile("", "wb", 6, raw, mtime=0), encoding="utf-8"))
        for language, query_ids, scores in runs.blocks():
            for setting in paths:
                if setting.query_language != language:
                    continue
                pool = runs.pool(setting)
                for query_id, row in zip(query_ids, scores[:, pool], strict=True):
                    if query_id not in counted[setting]:
                        continue
                    # Stable: columns stand in descending order of ids already.
                    order = np.argsort(-row, kind="stable")[:depth]
                    files[setting][1].writelines(
                        f"{query_id} Q0 {doc_id} {rank} {score!r} {name}\n"
                        for rank, (doc_id, score) in enumerate(
                            zip(ids[pool][order], (float(str(value)) for value in row[order]), strict=True), start=1
                        )
                    )
        for setting, (raw, text) in files.items():
            text.close()
            raw.close()
            Path(raw.name).replace(paths[setting])
    finally:
        for raw, _ in files.values():
            raw.close()
            Path(raw.name).unlink(missing_ok=True)
    return list(paths.values())


def parse_settings(asked: Sequence[str], settings: Sequence[Setting]) -> list[Setting]:
    """The settings named by kinds (``monolingual``) or by pairs (``en:de``, ``en:all``); all if none is named."""
    if not asked:
        return list(settings)
    chosen = []
    for name in asked:
        found = [s for s in settings if name in (s.kind, f"{s.query_language}:{s.pool}")]
        if not found:
            pairs = {f"{s.query_language}:{s.pool}" for s in settings}
            raise UnknownNameError("setting", name, {s.kind for s in settings} | (pairs if ":" in name else set()))
        chosen += [setting for setting in found if setting not in chosen]
    return chosen
