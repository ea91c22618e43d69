"""Reproducible ranks from fp16 vectors: identical on every machine.

Dot products of fp16 vectors are exact in float64, independent of the order of summation. Each is rounded once to float32, and
ties are broken like in trec_eval. Recomputed ranks can therefore be compared for equality.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.settings import ALL
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.grid import Grid
from hybrid_bench.submissions.format.rank_table import RankTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.expected import SuiteData
    from hybrid_bench.submissions.format.vectors import Vectors

#: Number of text pairs whose cosines form a sketch.
_SKETCH_PAIRS = 64
#: Number of random projections of all texts.
_PROJECTIONS = 16


def ranks_of(vectors: Vectors, data: SuiteData) -> RankTable:
    """Rank all relevant passages of a suite with a pool of all collections, there only for queries that are asked there."""
    columns = Columns.stack(
        {name: vectors[f"passages/{name}"].astype(np.float64) for name in data.passage_ids},
        data.passage_ids,
        dict(data.suite.pools),
    )
    asked = {name: (part, vectors[f"queries/{name}"].astype(np.float64)) for name, part in data.judged.items()}
    ranks, counts = Grid(data.suite, columns, asked).rank()
    there = {name: of if name in data.on_all else dataclasses.replace(of, rank_in={}) for name, of in ranks.items()}
    same = {name: of[ALL, data.attribute] for name, of in counts.items() if data.has_own(name)}
    return RankTable(Ranks(there), same, data.attribute)


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


def projections(vectors: Vectors) -> list[float]:
    """(120,) inner products of random projections of all texts, of unit length, to measure the similarity of vectors.

    ``Y = R X``, where X is (texts, dimension) of centred unit vectors and R is (16, texts) of fixed random signs; the products
    are those of pairs of rows of Y. They do not change with a rotation or scaling of the vectors. The cosine of the products of
    two encoders estimates the linear CKA of their vectors (Kornblith et al. 2019, arXiv 1905.00414).
    """
    draw = np.random.Generator(np.random.PCG64(16))
    centred = _centre(vectors)
    projected: NDArray[np.float64] = np.zeros((_PROJECTIONS, 1))
    for name in sorted(vectors):
        texts = _unit(vectors[name]) - centred
        projected = projected + draw.choice((-1.0, 1.0), (_PROJECTIONS, len(texts))) @ texts
    products = (projected @ projected.T)[np.triu_indices(_PROJECTIONS, 1)]
    length = float(np.linalg.norm(products))
    return [round(float(value) / length, 4) if length else 0.0 for value in products]


def _centre(vectors: Vectors) -> NDArray[np.float64]:
    total = sum(_unit(array).sum(axis=0) for array in vectors.values())
    return np.asarray(total) / sum(map(len, vectors.values()))


def _unit(array: NDArray[np.float16]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = array.astype(np.float64)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return found


def _drawn(vectors: Vectors, names: list[str], number: int) -> np.ndarray:
    name = names[number % len(names)]
    row: np.ndarray = vectors[name][number // len(names) % len(vectors[name])]
    return row.astype(np.float64)
