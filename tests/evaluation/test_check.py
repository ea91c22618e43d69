"""Ranks scored again from full runs through ir_measures: equal, and told apart when a rank is wrong."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hybrid_bench import evaluate
from hybrid_bench.evaluation import check
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.retrieval.exact.full_runs import FullRuns
from tests.retrieval.examples import example
from tests.tiny_encoder import TinyEncoder


@pytest.fixture(scope="module")
def of_mini() -> tuple[FullRuns, Ranks]:
    """The full runs of an encoder on ``mini``, and the ranks counted from them."""
    seen: list[tuple[FullRuns, Ranks]] = []
    evaluate(TinyEncoder(), "mini", with_runs=lambda runs, ranks: seen.append((runs, ranks)))
    (found,) = seen
    return found


def one_rank_too_deep(ranks: Ranks, language: str, field: str) -> Ranks:
    of_language = ranks.by_language[language]
    tampered = getattr(of_language, field).copy()
    tampered[0] += 1
    return Ranks({**ranks.by_language, language: dataclasses.replace(of_language, **{field: tampered})})


def test_every_value_of_every_setting_of_mini_is_that_of_ir_measures(of_mini: tuple[FullRuns, Ranks]) -> None:
    runs, ranks = of_mini
    told: list[int] = []
    found = check.compare(runs, ranks, DEFAULT_MEASURES, told.append)
    queries = len(ranks.query_ids("de", "all"))
    assert found.settings == 132
    assert found.values == 132 * queries * len(DEFAULT_MEASURES) + 11 * queries  # and RankDistance in the pools of all
    assert found.largest <= 1e-9
    assert sum(told) == 11 * queries
    assert str(found).startswith(f"{found.values:,} values in 132 settings; largest difference ")


@pytest.mark.parametrize("seed", range(5))
def test_values_are_those_of_ir_measures_where_most_passages_tie(seed: int) -> None:
    drawn = example(seed, dimension=2, rounded=True)
    found = check.compare(drawn.full_runs, drawn.ranks, ["AP", "nDCG@5", "R@3", "P@1", "Success@2"])
    assert found.values > 100
    assert found.largest <= 1e-9


def test_many_passages_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = example(6)
    whole = check.compare(drawn.full_runs, drawn.ranks, ["AP"])
    monkeypatch.setattr(check, "_SCORES_AT_ONCE", 50)
    assert check.compare(drawn.full_runs, drawn.ranks, ["AP"]) == whole


@pytest.mark.parametrize(("field", "pool"), [("rank", "de"), ("rank_all", "all")])
def test_a_rank_that_is_wrong_by_one_is_found_where_it_is(field: str, pool: str, of_mini: tuple[FullRuns, Ranks]) -> None:
    runs, ranks = of_mini
    tampered = one_rank_too_deep(ranks, "en", field)
    first = ranks.by_language["en"].query_ids[0]
    pool = pool if field == "rank_all" else str(ranks.by_language["en"].passage_language[0])
    found = check.compare(runs, tampered, ["AP"])
    assert found.largest > check.TOLERANCE
    assert found.where in (f"AP of {first} in en:{pool}", f"RankDistance of {first} in en:{pool}")
    assert str(found).endswith(f", at {found.where}")


def test_a_relevant_passage_that_is_kept_from_the_ranks_is_found() -> None:
    drawn = example(7)
    fewer = {
        language: LanguageRanks(
            found.query_ids,
            found.query[1:],
            found.passage_language[1:],
            found.doc_id[1:],
            found.relevance[1:],
            np.maximum(found.rank[1:] - 1, 1),
            found.rank_all[1:],
        )
        for language, found in drawn.ranks.by_language.items()
    }
    assert check.compare(drawn.full_runs, Ranks(fewer), ["nDCG"]).largest > check.TOLERANCE
