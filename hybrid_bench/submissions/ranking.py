"""From vectors to ranks, the same on every machine.

The vectors are fp16, so that their dot products are exact in float64 in whatever order they are summed; each is then rounded
once to float32, and ties are broken as trec_eval does. So the ranks can be compared to the last one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.results.ranks import Ranks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.grid import Grid
from hybrid_bench.submissions.format.rank_table import RankTable

if TYPE_CHECKING:
    from hybrid_bench.submissions.format.expected import SuiteData
    from hybrid_bench.submissions.format.vectors import Vectors

#: Cosines of this many pairs of texts tell whether two submissions have nearly the same vectors.
_SKETCHED = 64


def ranks_of(vectors: Vectors, data: SuiteData) -> RankTable:
    """Rank all relevant passages; ``data`` is of a suite whose queries are all asked on all passages."""
    columns = Columns.stack(
        {language: vectors[f"passages/{language}"].astype(np.float64) for language in data.passage_ids}, data.passage_ids
    )
    asked = {language: (part, vectors[f"queries/{language}"].astype(np.float64)) for language, part in data.questions.items()}
    ranks, same = Grid(columns, asked).ranks()
    return RankTable(Ranks(ranks), same)


def sketch(vectors: Vectors) -> list[float]:
    """(64,) cosines between queries and passages that the suite alone decides: rotating or scaling vectors changes none."""
    queries = sorted(name for name in vectors if name.startswith("queries/"))
    passages = sorted(name for name in vectors if name.startswith("passages/"))
    found = []
    for number in range(_SKETCHED):
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
