"""Measures from ranks alone against ir_measures (pytrec_eval) on whole runs, and against closed forms."""

from __future__ import annotations

import math
from random import Random
from typing import NamedTuple

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import AP, RR, P, R, Success, nDCG

from hybrid_bench import HybridBenchError
from hybrid_bench.measures.from_ranks import RankedPairs, parse, per_query

#: All that trec_eval computes, at depths within and beyond the length of the runs below.
OF_TREC_EVAL = [
    *(AP, AP @ 1, AP @ 5, AP @ 100, RR, nDCG, nDCG @ 1, nDCG @ 3, nDCG @ 100, R @ 1, R @ 5, R @ 100),
    *(P @ 1, P @ 4, P @ 100, Success @ 1, Success @ 2, Success @ 100),
]


class Passage(NamedTuple):
    score: int
    grade: int


#: Queries on pools of one to 15 passages. There are five different scores, so that many passages tie.
passages = st.builds(Passage, st.integers(0, 4), st.integers(0, 3))
pools = st.lists(passages, min_size=1, max_size=15).filter(lambda pool: any(passage.grade for passage in pool))
judged_runs = st.lists(pools, min_size=1, max_size=4)


def ranked_pairs(queries: list[list[Passage]]) -> RankedPairs:
    """Relevant passages with their ranks by score, then id, both descending; the id is the place in the pool."""
    rows = []
    for query, pool in enumerate(queries):
        order = sorted(range(len(pool)), key=lambda at: (pool[at].score, at), reverse=True)
        rows += [(query, order.index(at) + 1, passage.grade) for at, passage in enumerate(pool) if passage.grade]
    query, rank, relevance = np.array(rows, np.int32).T
    return RankedPairs.of(query, rank, relevance)


def one_query(ranks: list[int], grades: list[int] | None = None) -> RankedPairs:
    return RankedPairs.of(np.zeros(len(ranks), np.int32), np.array(ranks), np.array(grades or [1] * len(ranks)))


def value(name: str, pairs: RankedPairs) -> float:
    (found,) = per_query(*parse([name]), pairs)
    return float(found)


@given(judged_runs)
def test_every_value_is_that_of_trec_eval_on_the_whole_run(queries: list[list[Passage]]) -> None:
    by_id = {str(query): {f"{at:02d}": passage for at, passage in enumerate(pool)} for query, pool in enumerate(queries)}
    qrels = {query_id: {doc_id: passage.grade for doc_id, passage in pool.items()} for query_id, pool in by_id.items()}
    run = {query_id: {doc_id: float(passage.score) for doc_id, passage in pool.items()} for query_id, pool in by_id.items()}
    expected = {(score.query_id, score.measure): score.value for score in ir_measures.iter_calc(OF_TREC_EVAL, qrels, run)}
    pairs = ranked_pairs(queries)
    found = {(str(query), measure): found for measure in OF_TREC_EVAL for query, found in enumerate(per_query(measure, pairs))}
    assert found == pytest.approx(expected, abs=1e-9)


@given(judged_runs, st.integers(1, 20))
def test_a_reciprocal_rank_below_the_cut_off_is_0(queries: list[list[Passage]], cutoff: int) -> None:
    """Not against ir_measures: at a cut-off it leaves trec_eval for a script that breaks ties by ascending id."""
    pairs = ranked_pairs(queries)
    whole = per_query(RR, pairs)
    np.testing.assert_array_equal(per_query(RR @ cutoff, pairs), np.where(whole >= 1 / cutoff, whole, 0))


@given(judged_runs, st.randoms())
def test_the_order_of_pairs_does_not_matter(queries: list[list[Passage]], random: Random) -> None:
    pairs = ranked_pairs(queries)
    order = np.arange(len(pairs.rank))
    random.shuffle(order)
    shuffled = RankedPairs.of(pairs.query[order], pairs.rank[order], pairs.relevance[order])
    for measure in OF_TREC_EVAL:
        np.testing.assert_allclose(per_query(measure, shuffled), per_query(measure, pairs), atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 10, 11, 5000])
def test_one_relevant_passage(rank: int) -> None:
    pairs = one_query([rank])
    assert value("AP", pairs) == value("RR", pairs) == 1 / rank
    assert value("AP@10", pairs) == value("RR@10", pairs) == (1 / rank if rank <= 10 else 0)
    assert value("nDCG", pairs) == pytest.approx(1 / math.log2(rank + 1))
    assert value("R@10", pairs) == value("Success@10", pairs) == (rank <= 10)
    assert value("P@10", pairs) == (rank <= 10) / 10


def test_relevant_passages_before_all_others_are_perfect() -> None:
    pairs = one_query([1, 2, 3], grades=[3, 2, 1])
    for name in ("AP", "RR", "nDCG", "nDCG@2", "R@3", "P@3", "P@1", "Success@1"):
        assert value(name, pairs) == 1


def test_written_out_values() -> None:
    pairs = one_query([2, 3, 6], grades=[1, 3, 2])
    assert value("AP", pairs) == pytest.approx((1 / 2 + 2 / 3 + 3 / 6) / 3)
    assert value("AP@3", pairs) == pytest.approx((1 / 2 + 2 / 3) / 3)
    gain = 1 / math.log2(3) + 3 / math.log2(4) + 2 / math.log2(7)
    assert value("nDCG", pairs) == pytest.approx(gain / (3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)))
    assert value("nDCG@2", pairs) == pytest.approx((1 / math.log2(3)) / (3 / math.log2(2) + 2 / math.log2(3)))
    assert value("R@5", pairs) == pytest.approx(2 / 3)
    assert value("P@5", pairs) == pytest.approx(2 / 5)


def test_a_query_without_relevant_passages_is_not_counted() -> None:
    pairs = RankedPairs.of(np.array([4, 0, 4], np.int32), np.array([1, 2, 4]), np.ones(3, np.int32))
    assert pairs.queries == 2
    assert per_query(RR, pairs).tolist() == [1 / 2, 1]


def test_measures_have_the_names_that_ir_measures_gives_them() -> None:
    assert parse(["nDCG@10", "R(cutoff=100)", "P@1", "MRR", "Success@5"]) == [nDCG @ 10, R @ 100, P @ 1, RR, Success @ 5]


@pytest.mark.parametrize("name", ["mAP", "", "AP@", "AP@5@5", "nDCG 10", "AP(", "[AP]", "__import__('os')", "AP(foo=1)x"])
def test_a_name_that_ir_measures_does_not_know_is_refused(name: str) -> None:
    with pytest.raises(HybridBenchError) as refused:
        parse(["AP", name])
    assert refused.value.problem == f"ir_measures does not know the measure {name!r}"
    assert refused.value.remedy


@pytest.mark.parametrize("name", ["ERR@10", "Bpref", "RBP", "AP(rel=2)", "nDCG(dcg='exp-log2')@10", "P(judged_only=True)@5"])
def test_a_measure_that_needs_more_than_ranks_is_refused(name: str) -> None:
    with pytest.raises(HybridBenchError, match="cannot be computed from ranks\n  Choose from AP, RR, nDCG, R, P, Success"):
        parse([name])


@pytest.mark.parametrize("name", ["R", "P", "Success"])
def test_a_measure_that_needs_a_cut_off_says_so(name: str) -> None:
    with pytest.raises(HybridBenchError, match=f"the measure '{name}' needs a cut-off\n  For example {name}@10."):
        parse([name])


@pytest.mark.parametrize("name", ["P@0", "nDCG@0", "R@1.5", "P@'ten'", "AP@True", "R(cutoff=None)"])
def test_a_cut_off_is_a_whole_number_from_1(name: str) -> None:
    with pytest.raises(HybridBenchError, match=r"the cut-off of the measure .* is not a whole number from 1"):
        parse([name])


@given(st.text(st.sampled_from("APRndcgSus@()[]{}=.,'\"1230 -+*\n\\"), max_size=12))
def test_any_name_is_a_measure_or_is_refused(name: str) -> None:
    try:
        (measure,) = parse([name])
    except HybridBenchError:
        return
    assert np.isfinite(per_query(measure, one_query([1, 4]))).all()
