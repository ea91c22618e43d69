"""Ranks are compared with ir_measures on full runs: equal, and different where a rank is wrong."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest

from hybrid_bench import HybridBenchError, Suite, load_suite
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.evaluation import check
from hybrid_bench.evaluation.exact import ExactSearch
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from hybrid_bench.retrieval.exact.full_runs import FullRuns
from hybrid_bench.support.progress import SilentProgress
from tests.evaluation.suites import suite_of
from tests.retrieval.examples import example
from tests.tiny_encoder import TinyEncoder


@pytest.fixture(scope="module")
def mini() -> Suite:
    return load_suite("mini")


@pytest.fixture(scope="module")
def of_mini(mini: Suite, tmp_path_factory: pytest.TempPathFactory) -> tuple[FullRuns, Ranks]:
    """The full runs of an encoder on ``mini``, and the ranks counted from them."""
    search = ExactSearch(TinyEncoder(), mini, EmbeddingStore(tmp_path_factory.mktemp("store")))
    (grid,) = search.grids()
    return grid.full_runs(), search.rank(grid)


def one_rank_too_deep(ranks: Ranks, query_set: str, pool: str) -> Ranks:
    found = ranks.by_query_set[query_set]
    rank = found.rank_in.get(pool, found.rank).copy()
    rank[0] += 1
    changed = {"rank_in": {**found.rank_in, pool: rank}} if pool in found.rank_in else {"rank": rank}
    return Ranks({**ranks.by_query_set, query_set: dataclasses.replace(found, **changed)})


def test_every_value_of_every_setting_of_mini_is_that_of_ir_measures(mini: Suite, of_mini: tuple[FullRuns, Ranks]) -> None:
    runs, ranks = of_mini
    progress: list[int] = []
    found = check.compare(runs, ranks, mini, DEFAULT_MEASURES, progress.append)
    queries = len(ranks.query_ids("de", "all"))
    assert found.settings == 132
    assert found.values == 132 * queries * len(DEFAULT_MEASURES) + 11 * queries  # and RankDistance in the pools of all
    assert found.largest <= 1e-9
    assert sum(progress) == 11 * queries
    assert str(found).startswith(f"{found.values:,} values in 132 settings; largest difference ")


@pytest.mark.parametrize("seed", range(5))
def test_values_are_those_of_ir_measures_where_most_passages_tie(seed: int) -> None:
    drawn = example(seed, dimension=2, rounded=True)
    found = check.compare(drawn.full_runs, drawn.ranks, suite_of(drawn), ["AP", "nDCG@5", "R@3", "P@1", "Success@2"])
    assert found.values > 100
    assert found.largest <= 1e-9


def test_many_passages_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = example(6)
    whole = check.compare(drawn.full_runs, drawn.ranks, suite_of(drawn), ["AP"])
    monkeypatch.setattr(check, "_SCORES_AT_ONCE", 50)
    assert check.compare(drawn.full_runs, drawn.ranks, suite_of(drawn), ["AP"]) == whole


@pytest.mark.parametrize("pool", ["own", "all"])
def test_a_rank_that_is_wrong_by_one_is_found_where_it_is(pool: str, mini: Suite, of_mini: tuple[FullRuns, Ranks]) -> None:
    runs, ranks = of_mini
    pool = "all" if pool == "all" else str(ranks.by_query_set["en"].collection[0])
    tampered = one_rank_too_deep(ranks, "en", pool)
    first = ranks.by_query_set["en"].query_ids[0]
    found = check.compare(runs, tampered, mini, ["AP"])
    assert found.largest > check.TOLERANCE
    assert found.where in (f"AP of {first} in en:{pool}", f"RankDistance of {first} in en:{pool}")
    assert str(found).endswith(f", at {found.where}")


def test_a_relevant_passage_that_is_missing_from_the_ranks_is_found() -> None:
    drawn = example(7)
    fewer = {
        query_set: QuerySetRanks(
            found.query_ids,
            found.query[1:],
            found.collection[1:],
            found.doc_id[1:],
            found.relevance[1:],
            np.maximum(found.rank[1:] - 1, 1),
            {pool: rank[1:] for pool, rank in found.rank_in.items()},
        )
        for query_set, found in drawn.ranks.by_query_set.items()
    }
    assert check.compare(drawn.full_runs, Ranks(fewer), suite_of(drawn), ["nDCG"]).largest > check.TOLERANCE


@pytest.mark.parametrize(("tampered", "differs"), [(False, False), (True, True)])
def test_scores_that_differ_from_ir_measures_are_an_error(
    tampered: bool, differs: bool, mini: Suite, of_mini: tuple[FullRuns, Ranks]
) -> None:
    runs, ranks = of_mini
    given = one_rank_too_deep(ranks, "en", "all") if tampered else ranks
    with pytest.raises(HybridBenchError, match="scores differ from ir_measures'") if differs else contextlib.nullcontext():
        check.check_ranks(runs, given, mini, ["AP"], SilentProgress())
