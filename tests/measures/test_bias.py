"""Language bias: how far apart a query's relevant passages are, and whether their ranks tell their languages apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hybrid_bench.measures.bias import peer, rank_distance


def of(queries: list[list[tuple[str, int]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(query, rank, language) of queries given as lists of (language, rank)."""
    rows = [(query, rank, language) for query, found in enumerate(queries) for language, rank in found]
    return (
        np.array([query for query, _, _ in rows], np.int32),
        np.array([rank for _, rank, _ in rows], np.int32),
        np.array([language for _, _, language in rows], np.str_),
    )


def one_a_language(languages: int, ranks: list[int]) -> float:
    """PEER of a query with one relevant passage in each of some languages."""
    (found,) = peer(*of([[(f"l{at}", rank) for at, rank in enumerate(ranks[:languages])]]))
    return float(found)


ranked_passages = st.dictionaries(st.integers(1, 500), st.sampled_from(["de", "en", "th", "zh"]), min_size=1, max_size=12).map(
    lambda found: [(language, rank) for rank, language in found.items()]
)


def test_rank_distance_written_out() -> None:
    query, rank, _ = of([[("de", 3), ("en", 7), ("th", 90)], [("de", 5)], [("de", 2), ("en", 1)]])
    assert rank_distance(query, rank).tolist() == [87, 1]


@given(st.lists(ranked_passages, min_size=1, max_size=5))
def test_rank_distance_is_the_largest_rank_less_the_smallest(queries: list[list[tuple[str, int]]]) -> None:
    query, rank, _ = of(queries)
    ranks = [[rank for _, rank in found] for found in queries if len(found) > 1]
    assert rank_distance(query, rank).tolist() == [max(found) - min(found) for found in ranks]


@given(st.lists(st.sampled_from(["de", "en", "zh"]), min_size=2, max_size=30).filter(lambda languages: len(set(languages)) > 1))
def test_peer_is_a_kruskal_wallis_test(languages: list[str]) -> None:
    """scipy ranks within the sample: the same when the relevant passages are all that is ranked."""
    query, rank, language = of([list(zip(languages, range(1, len(languages) + 1), strict=True))])
    groups = [rank[language == name] for name in sorted(set(languages))]
    assert peer(query, rank, language) == pytest.approx([stats.kruskal(*groups).pvalue], abs=1e-12)


@given(st.lists(ranked_passages, min_size=1, max_size=5))
def test_peer_of_each_query_is_its_own(queries: list[list[tuple[str, int]]]) -> None:
    alone = [value for found in queries for value in peer(*of([found]))]
    assert peer(*of(queries)) == pytest.approx(alone, abs=1e-12)


@given(ranked_passages.filter(lambda found: len(found) > 1), st.integers(1, 9), st.integers(0, 100))
def test_peer_does_not_change_with_the_place_or_the_scale_of_the_ranks(
    found: list[tuple[str, int]], scale: int, shift: int
) -> None:
    moved = [(language, rank * scale + shift) for language, rank in found]
    assert peer(*of([moved])) == pytest.approx(peer(*of([found])), abs=1e-9)


def test_peer_is_1_where_languages_share_the_ranks_evenly_and_small_where_one_leads() -> None:
    even = [("de" if rank % 4 in (0, 1) else "en", rank) for rank in range(1, 41)]
    led = [("de" if rank <= 20 else "en", rank) for rank in range(1, 41)]
    assert peer(*of([even]))[0] == pytest.approx(1)
    assert peer(*of([led]))[0] < 1e-6


def test_peer_of_one_language_is_1_and_of_one_passage_nothing() -> None:
    assert peer(*of([[("de", 1), ("de", 400)], [("en", 7)]])).tolist() == [1]


@pytest.mark.parametrize("languages", [2, 3, 7, 11])
@given(ranks=st.lists(st.integers(1, 10**5), min_size=11, max_size=11, unique=True))
def test_peer_of_one_passage_a_language_depends_on_the_number_of_languages_alone(languages: int, ranks: list[int]) -> None:
    assert one_a_language(languages, ranks) == pytest.approx(stats.chi2.sf(languages - 1, languages - 1), abs=1e-12)
