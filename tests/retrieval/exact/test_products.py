"""Identical passages tie, whatever the linear algebra library does at the edges of a matrix."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.products import Products
from hybrid_bench.retrieval.exact.ranking import rank_relevant

RNG = np.random.default_rng(5)


def repeated(passages: int, dimension: int) -> tuple[Columns, np.ndarray]:
    """Columns of which five each are about the same vector, and the number of the vector of each column."""
    kinds = RNG.standard_normal((passages // 5 + 1, dimension)).astype(np.float32)
    kind = RNG.integers(0, len(kinds), passages)
    ids = [f"en-{number:05d}" for number in range(passages)]
    return Columns.stack({"en": kinds[kind]}, {"en": ids}), kind[::-1]


# One query is a matrix times a vector; 50 passages are a small matrix; 701 leave a rest at the edge.
@pytest.mark.parametrize("queries", [1, 2, 9, 513])
@pytest.mark.parametrize("passages", [50, 701])
def test_identical_passages_have_identical_scores(passages: int, queries: int) -> None:
    columns, kind = repeated(passages, 384)
    asked = RNG.standard_normal((queries, 384)).astype(np.float32)
    scores = Products(columns).of(asked)
    np.testing.assert_allclose(scores, asked @ columns.vectors.T, rtol=0, atol=1e-4)
    for number in range(kind.max() + 1):
        same = scores[:, kind == number]
        assert (same == same[:, :1]).all()


def test_the_ranks_of_a_last_single_query_fall_by_id_among_identical_passages() -> None:
    columns, kind = repeated(701, 384)
    asked = RNG.standard_normal((513, 384)).astype(np.float32)  # a block of 512 and one of 1
    column = np.arange(len(columns.ids), dtype=np.int32)
    found = rank_relevant(asked, columns, np.full(len(column), 512, np.int32), column)
    for number in range(kind.max() + 1):
        ranks = found.rank[kind == number]
        np.testing.assert_array_equal(np.diff(ranks), 1)


def test_zero_is_zero_whatever_its_sign() -> None:
    vectors = np.array([[1, 0.0], [1, -0.0]], np.float32)
    columns = Columns.stack({"en": vectors}, {"en": ["en-1", "en-2"]})
    assert Products(columns)._again.tolist() == [1]
