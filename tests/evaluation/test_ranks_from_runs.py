"""Ranks read off runs, against the ranks of a score matrix and against ir_measures on the runs."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings

from hybrid_bench import HybridBenchError, Setting, Suite
from hybrid_bench.plugin import ALL
from hybrid_bench.evaluation.ranks_from_runs import CollectedRanks, places
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import PoolPairs
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.results.runs import Hit, canonical
from tests.retrieval.examples import Example, tied_examples

MEASURES = ["AP", "AP@5", "RR", "nDCG", "nDCG@3", "R@2", "P@1", "Success@3"]


def suite_of(example: Example) -> Suite:
    def nothing(language: str) -> list[object]:
        raise AssertionError(language)

    languages = tuple(example.ids)
    return Suite("made-up", "", languages, languages, nothing, nothing, nothing, pooled=True)  # type: ignore[arg-type]


def found_in(example: Example, query: int, pool: str, above: float) -> list[Hit]:
    """The passages of a pool whose score is above a bound, as a searcher of terms leaves out those without one."""
    languages = example.ids if pool == ALL else [pool]
    scored = [
        (doc_id, float(np.float32(example.queries[query] @ vector)))
        for language in languages
        for doc_id, vector in zip(example.ids[language], example.vectors[language], strict=True)
    ]
    return canonical((doc_id, score) for doc_id, score in scored if score > above)


def settings_of(example: Example) -> list[tuple[Setting, int, list[str], list[str]]]:
    """(setting, query, its relevant passages in the pool, the pool's ids ascending) wherever there is one."""
    found = []
    pools = [*example.ids, *([ALL] if len(example.ids) > 1 else [])]
    for query, language in enumerate(example.asked_in):
        for pool in pools:
            ids = sorted(doc_id for of, ids in example.ids.items() if pool in (of, ALL) for doc_id in ids)
            relevant = [doc_id for doc_id in example.relevant[query] if pool in (ALL, doc_id.partition("-")[0])]
            if relevant:
                found.append((Setting(language, pool), query, relevant, ids))
    return found


def collect(example: Example, above: float, depth: int = 1000, *, exhaustive: bool = True) -> Ranks | None:
    collected = CollectedRanks(suite_of(example))
    for setting, query, relevant, pool in settings_of(example):
        hits = found_in(example, query, setting.pool, above)
        where = places(hits, relevant, pool, exhaustive=exhaustive, depth=depth)
        collected.add(setting, f"q{query}", where, dict.fromkeys(relevant, 1))
    return collected.ranks()


def comparable(ranks: LanguageRanks) -> list[tuple[object, ...]]:
    ids = [ranks.query_ids[number] for number in ranks.query]
    return list(zip(ids, ranks.doc_id, ranks.rank.tolist(), ranks.rank_all.tolist(), strict=True))


@settings(max_examples=30)
@given(tied_examples)
def test_runs_of_whole_pools_have_the_ranks_of_the_score_matrix(example: Example) -> None:
    found = collect(example, above=-np.inf, exhaustive=False)
    for language, ranks in example.ranks.by_language.items():
        if found is None or language not in found.by_language:
            assert not len(ranks.query)
            continue
        ours = found.by_language[language]
        expected = comparable(ranks)
        if len(example.ids) == 1:
            expected = [(query, doc_id, rank, 0) for query, doc_id, rank, _ in expected]
        assert comparable(ours) == expected
        assert ours.found is None
        assert Ranks.to_bytes(found)


@settings(max_examples=30)
@given(tied_examples)
def test_what_was_not_found_stands_behind_and_is_not_retrieved(example: Example) -> None:
    """Ranks are those of the run with the rest of the pool appended by descending id; measures are those of the run alone."""
    depth = 4
    found = collect(example, above=0, depth=depth)
    if found is None:
        return
    parsed = parse(MEASURES)
    for setting, query, relevant, pool in settings_of(example):
        ranks = found.by_language[setting.query_language]
        hits = found_in(example, query, setting.pool, 0)
        ids = [hit.doc_id for hit in hits]
        completed = ids + sorted(set(pool) - set(ids), reverse=True)
        rank = ranks.rank_all if setting.pool == ALL else ranks.rank
        own = ranks.query == list(ranks.query_ids).index(f"q{query}")
        for doc_id, place in zip(np.array(ranks.doc_id)[own], rank[own], strict=True):
            if doc_id in relevant:
                assert place == completed.index(doc_id) + 1
        run = {f"q{query}": {hit.doc_id: hit.score for hit in hits[:depth]}}
        qrels = {f"q{query}": dict.fromkeys(relevant, 1)}
        at = found.query_ids(*setting).index(f"q{query}")
        for measure in parsed:
            # trec_eval's RR counts from 1 without a cut-off, as ours does; ir_measures gives no value to an empty run
            value = next((m.value for m in ir_measures.iter_calc([measure], qrels, run)), 0.0) if hits else 0.0
            assert PoolPairs.of(ranks).values(measure)[setting.pool][at] == pytest.approx(value, abs=1e-9), measure


def test_ranks_of_what_was_not_found_survive_a_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    import hashlib

    from tests.retrieval.examples import example

    found = collect(example(3, rounded=True, dimension=2), above=0)
    assert found
    content = found.to_bytes()
    path = tmp_path_factory.mktemp("ranks") / "x.ranks.tsv.gz"
    path.write_bytes(content)
    again = Ranks.read(path, hashlib.sha256(content).hexdigest())
    assert again.to_bytes() == content
    assert any(ranks.found is not None and not ranks.found.all() for ranks in again.by_language.values())


def test_a_run_that_was_cut_has_no_ranks() -> None:
    hits = canonical([("a", 2.0), ("b", 1.0)])
    assert places(hits, ["c"], ["a", "b", "c"], exhaustive=False, depth=9) is None
    assert places(hits, ["a", "c"], ["a", "b", "c"], exhaustive=True, depth=1) == {"a": (1, True), "c": (3, False)}
    assert places(hits, ["b"], ["a", "b"], exhaustive=False, depth=1) == {"b": (2, False)}


def test_a_relevant_passage_outside_the_collection_is_an_error() -> None:
    with pytest.raises(HybridBenchError, match="'d' is not in the collection"):
        places([], ["d"], ["a"], exhaustive=True, depth=1)
