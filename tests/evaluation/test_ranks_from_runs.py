"""Ranks from runs, against the ranks of a score matrix and against ir_measures on the runs."""

from __future__ import annotations

import dataclasses
import hashlib

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings

from hybrid_bench import Setting, load_suite
from hybrid_bench.datasets.judged import judged_queries
from hybrid_bench.evaluation.ranks_from_runs import CollectedRanks, Place, places
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import PoolPairs
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from hybrid_bench.results.runs import Hit, canonical
from tests.evaluation.suites import suite_of
from tests.retrieval.examples import Example, example, tied_examples

MEASURES = ["AP", "AP@5", "RR", "nDCG", "nDCG@3", "R@2", "P@1", "Success@3"]


def found_in(example: Example, query: int, pool: str, above: float) -> list[Hit]:
    """The passages of a pool whose score is above a bound: a lexical searcher does not retrieve those without a common term."""
    scored = [
        (doc_id, float(np.float32(example.queries[query] @ vector)))
        for name in example.pool(pool)
        for doc_id, vector in zip(example.ids[name], example.vectors[name], strict=True)
    ]
    return canonical((doc_id, score) for doc_id, score in scored if score > above)


def settings_of(example: Example) -> list[tuple[Setting, int, list[str], list[str]]]:
    """(setting, query, its relevant passages in the pool, the pool's ids ascending) wherever there is one."""
    found = []
    for query, query_set in enumerate(example.asked_in):
        for setting in example.full_runs.settings:
            ids = sorted(doc_id for name in example.pool(setting.pool) for doc_id in example.ids[name])
            relevant = [doc_id for doc_id in example.relevant[query] if doc_id in set(ids)]
            if setting.query_set == query_set and relevant:
                found.append((setting, query, relevant, ids))
    return found


def collect(example: Example, above: float, depth: int = 1000, *, exhaustive: bool = True) -> Ranks | None:
    collected = CollectedRanks(suite_of(example))
    for of, query, relevant, pool in settings_of(example):
        hits = found_in(example, query, of.pool, above)
        where = places(hits, relevant, pool, exhaustive=exhaustive, depth=depth)
        collected.add(of, f"q{query}", where, dict.fromkeys(relevant, 1))
    return collected.ranks()


def comparable(ranks: QuerySetRanks) -> list[tuple[object, ...]]:
    ids = [ranks.query_ids[number] for number in ranks.query]
    in_pools = [ranks.rank_in[pool].tolist() for pool in sorted(ranks.rank_in)]
    return list(zip(ids, ranks.doc_id, ranks.collection.tolist(), ranks.rank.tolist(), *in_pools, strict=True))


@settings(max_examples=30)
@given(tied_examples)
def test_runs_of_whole_pools_have_the_ranks_of_the_score_matrix(example: Example) -> None:
    found = collect(example, above=-np.inf, exhaustive=False)
    for query_set, ranks in example.ranks.by_query_set.items():
        if found is None or query_set not in found.by_query_set:
            assert not len(ranks.query)
            continue
        ours = found.by_query_set[query_set]
        assert ranks.rank_in.keys() == example.pools.keys()
        # A pool without a relevant passage of these queries has no ranks.
        answered = {pool: rank for pool, rank in ranks.rank_in.items() if rank.any()}
        assert ours.rank_in.keys() == answered.keys()
        assert comparable(ours) == comparable(dataclasses.replace(ranks, rank_in=answered))
        assert ours.found is None
        assert not ours.found_in
        assert Ranks.to_bytes(found)


@settings(max_examples=30)
@given(tied_examples)
def test_passages_that_were_not_retrieved_rank_last_and_do_not_count_as_retrieved(example: Example) -> None:
    """Ranks are those of the run with the rest of the pool appended by descending id; measures are those of the run alone."""
    depth = 4
    found = collect(example, above=0, depth=depth)
    if found is None:
        return
    parsed = parse(MEASURES)
    for of, query, relevant, pool in settings_of(example):
        ranks = found.by_query_set[of.query_set]
        hits = found_in(example, query, of.pool, 0)
        ids = [hit.doc_id for hit in hits]
        completed = ids + sorted(set(pool) - set(ids), reverse=True)
        rank = ranks.rank_in.get(of.pool, ranks.rank)
        own = ranks.query == list(ranks.query_ids).index(f"q{query}")
        for doc_id, place in zip(np.array(ranks.doc_id)[own], rank[own], strict=True):
            if doc_id in relevant:
                assert place == completed.index(doc_id) + 1
        run = {f"q{query}": {hit.doc_id: hit.score for hit in hits[:depth]}}
        qrels = {f"q{query}": dict.fromkeys(relevant, 1)}
        at = found.query_ids(of.query_set, of.pool).index(f"q{query}")
        for measure in parsed:
            # trec_eval's RR counts from 1 without a cut-off, as ours does; ir_measures gives no value to an empty run
            value = next((m.value for m in ir_measures.iter_calc([measure], qrels, run)), 0.0) if hits else 0.0
            assert PoolPairs.of(ranks).values(measure)[of.pool][at] == pytest.approx(value, abs=1e-9), measure


def test_ranks_of_passages_that_were_not_retrieved_are_written_and_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    found = collect(example(3, rounded=True, dimension=2), above=0)
    assert found
    content = found.to_bytes()
    path = tmp_path_factory.mktemp("ranks") / "x.ranks.tsv.gz"
    path.write_bytes(content)
    again = Ranks.read(path, hashlib.sha256(content).hexdigest())
    assert again.to_bytes() == content
    assert any(ranks.found is not None and not ranks.found.all() for ranks in again.by_query_set.values())


def test_a_run_that_was_cut_has_no_ranks() -> None:
    hits = canonical([("a", 2.0), ("b", 1.0)])
    assert places(hits, ["c"], ["a", "b", "c"], exhaustive=False, depth=9) is None
    assert places(hits, ["a", "c"], ["a", "b", "c"], exhaustive=True, depth=1) == {"a": (1, True), "c": (3, False)}
    assert places(hits, ["b"], ["a", "b"], exhaustive=False, depth=1) == {"b": (2, False)}


def test_a_relevant_passage_outside_the_pool_ranks_right_behind_it() -> None:
    assert places(canonical([("a", 1.0)]), ["a", "x", "d"], ["a", "b", "c"], exhaustive=True, depth=9) == {
        "a": (1, True),
        "d": (4, False),
        "x": (4, False),
    }


@pytest.mark.parametrize("left_out", ["de", None])
def test_a_pool_counts_only_if_every_query_set_has_ranks_in_it(left_out: str | None) -> None:
    """Without the setting de:en, English passages that are relevant to German queries have a rank in the pool of both alone."""
    suite = load_suite("mini").restrict(["en", "de"])
    collected = CollectedRanks(suite)
    for of in suite.settings:
        if of.query_set == left_out and of.pool == "en":
            continue
        relevant: dict[str, dict[str, int]] = {}
        for judgement in judged_queries(suite)[of.query_set].judgements:
            if judgement.collection in suite.pool(of.pool):
                relevant.setdefault(judgement.query_id, {})[judgement.doc_id] = 1
        for query_id, of_query in relevant.items():
            collected.add(of, query_id, dict.fromkeys(of_query, Place(1, found=True)), of_query)
    ranks = collected.ranks()
    assert ranks is not None
    assert {name: set(of.rank_in) for name, of in ranks.by_query_set.items()} == {
        name: set() if left_out else {"all"} for name in ("en", "de")
    }
