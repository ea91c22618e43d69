"""Runs as plain TREC text, which trec_eval, ir_measures, ranx, PyTerrier and BEIR read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results import runs as trec
from hybrid_bench.support import atomic


def export(files: Mapping[str, Path], folder: Path, tag: str, *, overwrite: bool = False) -> list[Path]:
    """Write runs as text: single spaces between columns, ranks from 1, passages in trec_eval's order.

    Args:
        files: name to a run, gzipped or not.
        folder: to write into: ``<name>.trec``.
        tag: name of the searcher, in the last column.
        overwrite: replace files that are there.

    Returns:
        The files.

    Raises:
        HybridBenchError: if a file is there already, or a run is malformed.
    """
    targets = {folder / f"{name}.trec": file for name, file in files.items()}
    taken = [to for to in targets if to.exists()]
    if taken and not overwrite:
        raise HybridBenchError(f"{taken[0]} is there already", "Choose another folder, or replace it with --overwrite.")
    for to, file in targets.items():
        text = []
        for query_id, hits in trec.read(file).items():
            scores = np.array([hit.score for hit in hits], dtype=np.float32)
            text.append(trec.lines(query_id, [hit.doc_id for hit in hits], scores, trec.tag_of(tag)))
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write(to, "".join(text).encode())
    return list(targets)
