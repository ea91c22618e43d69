"""Reproducible ranks from fp16 vectors: identical on every machine.

Dot products of fp16 vectors are exact in float64, independent of the order of summation. Each is rounded once to float32, and
ties are broken like in trec_eval. Recomputed ranks can therefore be compared for equality.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.settings import ALL
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.grid import Grid
from hybrid_bench.submissions.format.rank_table import RankTable

if TYPE_CHECKING:
    from hybrid_bench.submissions.format.expected import SuiteData
    from hybrid_bench.submissions.format.vectors import Vectors

#: Number of text pairs whose cosines form a sketch.
_SKETCH_PAIRS = 64


def ranks_of(vectors: Vectors, data: SuiteData) -> RankTable:
    """Rank all relevant passages of a suite with a pool of all languages."""
    columns = Columns.stack(
        {name: vectors[f"passages/{name}"].astype(np.float64) for name in data.passage_ids},
        data.passage_ids,
        dict(data.suite.pools),
    )
    asked = {name: (part, vectors[f"queries/{name}"].astype(np.float64)) for name, part in data.judged.items()}
    ranks, counts = Grid(data.suite, columns, asked).rank()
    return RankTable(Ranks(ranks), {name: of[ALL, "language"] for name, of in counts.items()})


def sketch(vectors: Vectors) -> list[float]:
    """(64,) cosines of fixed query-passage pairs, to detect copied vectors; invariant to rotation and scaling."""
    queries = sorted(name for name in vectors if name.startswith("queries/"))
    passages = sorted(name for name in vectors if name.startswith("passages/"))
    found = []
    for number in range(_SKETCH_PAIRS):
        drawn = hashlib.sha256(f"pair {number}".encode()).digest()
        one, other = (
            _drawn(vectors, names, int.from_bytes(part, "little"))
            for names, part in ((queries, drawn[:16]), (passages, drawn[16:]))
        )
        length = float(np.linalg.norm(one) * np.linalg.norm(other))
        found.append(round(float(one @ other) / length, 4) if length else 0.0)
    return found


def _drawn(vectors: Vectors, names: list[str], number: int) -> np.ndarray:
    name = names[number % len(names)]
    row: np.ndarray = vectors[name][number // len(names) % len(vectors[name])]
    return row.astype(np.float64)
