"""From ranks to rows: every setting, every measure, language bias, and the notes that go with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hybrid_bench import HybridBenchError, Suite
from hybrid_bench.measures.scores import score_ranks
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.results.record import Score


def suite(languages: Sequence[str], *, pooled: bool = True, note: str = "") -> Suite:
    """A suite of which only the settings are looked at."""

    def nothing(language: str) -> list[object]:
        raise AssertionError(language)

    return Suite("made-up", "", tuple(languages), tuple(languages), nothing, nothing, nothing, pooled, note=note)  # type: ignore[arg-type]


def ranks(*found: tuple[str, str, int, int], grade: int = 1) -> LanguageRanks:
    """Ranks of relevant passages given as (query, language of the passage, rank in its pool, rank in the pool of all)."""
    query_ids = list(dict.fromkeys(query for query, *_ in found))
    return LanguageRanks(
        query_ids=query_ids,
        query=np.array([query_ids.index(query) for query, *_ in found], np.int32),
        passage_language=np.array([language for _, language, *_ in found]),
        doc_id=[f"{language}-{at}" for at, (_, language, *_) in enumerate(found)],
        relevance=np.full(len(found), grade, np.int32),
        rank=np.array([rank for *_, rank, _ in found], np.int32),
        rank_all=np.array([rank for *_, rank in found], np.int32),
    )


GERMAN = ranks(("a", "de", 1, 2), ("a", "en", 4, 9), ("b", "de", 2, 3), ("b", "en", 1, 1), ("c", "de", 10, 21))
ENGLISH = ranks(("a", "de", 5, 8), ("a", "en", 1, 1))


def rows(found: Sequence[Score]) -> dict[tuple[str, str, str], tuple[float, int]]:
    """(query language, pool, measure) to value and number of queries."""
    return {(row.query_language, row.pool, row.measure): (row.value, row.queries) for row in found}


def test_values_are_means_over_the_queries_that_have_a_relevant_passage_in_the_pool() -> None:
    same = {"de": np.array([20, 10, 3]), "en": np.array([5])}
    found, notes = score_ranks(suite(["de", "en"]), Ranks({"de": GERMAN, "en": ENGLISH}), same, ["RR", "R@2"])
    values = {key: pytest.approx(value) for key, value in rows(found).items()}
    assert values == {
        ("de", "de", "RR"): ((1 + 1 / 2 + 1 / 10) / 3, 3),
        ("de", "de", "R@2"): (2 / 3, 3),
        ("de", "en", "RR"): ((1 / 4 + 1) / 2, 2),
        ("de", "en", "R@2"): (1 / 2, 2),
        ("de", "all", "RR"): ((1 / 2 + 1 + 1 / 21) / 3, 3),
        ("de", "all", "R@2"): ((1 / 2 + 1 / 2 + 0) / 3, 3),
        ("de", "all", "RankDistance"): ((7 + 2) / 2, 2),
        ("de", "all", "RankDistance(median)"): (4.5, 2),
        ("de", "all", "PEER"): (0.31731050786291415, 2),
        ("de", "all", "SameLanguage@20"): (33 / 60, 3),
        ("en", "de", "RR"): (1 / 5, 1),
        ("en", "de", "R@2"): (0, 1),
        ("en", "en", "RR"): (1, 1),
        ("en", "en", "R@2"): (1, 1),
        ("en", "all", "RR"): (1, 1),
        ("en", "all", "R@2"): (1 / 2, 1),
        ("en", "all", "RankDistance"): (7, 1),
        ("en", "all", "RankDistance(median)"): (7, 1),
        ("en", "all", "PEER"): (0.31731050786291415, 1),
        ("en", "all", "SameLanguage@20"): (5 / 20, 1),
    }
    assert {(row.query_language, row.pool): row.setting for row in found} == {
        ("de", "de"): "monolingual", ("de", "en"): "cross-lingual", ("de", "all"): "multilingual",
        ("en", "en"): "monolingual", ("en", "de"): "cross-lingual", ("en", "all"): "multilingual",
    }  # fmt: skip
    assert {row.suite for row in found} == {"made-up"}
    assert notes == [
        "PEER is degenerate here: with one relevant passage a language it depends on their number alone. Read RankDistance."
    ]


def test_the_median_gap_of_an_even_number_of_queries_lies_between_the_two_in_the_middle() -> None:
    gaps = [1, 2, 30, 400]
    of_gaps = [(f"q{gap}", language, 1, rank) for gap in gaps for language, rank in (("de", 1), ("en", 1 + gap))]
    found, _ = score_ranks(suite(["de", "en"]), Ranks({"de": ranks(*of_gaps)}), {"de": np.zeros(4, int)}, ["RR"])
    assert rows(found)["de", "all", "RankDistance(median)"] == (16, 4)


def test_peer_stands_without_a_note_where_languages_have_several_relevant_passages() -> None:
    several = ranks(("a", "de", 1, 1), ("a", "de", 2, 2), ("a", "en", 1, 3), ("a", "en", 2, 4))
    found, notes = score_ranks(suite(["de", "en"]), Ranks({"de": several}), {"de": np.array([4])}, ["RR"])
    assert rows(found)["de", "all", "PEER"][0] < 0.2
    assert notes == []


def test_bias_is_left_out_where_every_query_has_relevant_passages_in_its_own_language_alone() -> None:
    own = {"de": ranks(("a", "de", 1, 4)), "en": ranks(("b", "en", 2, 2), ("b", "en", 3, 5))}
    same = {"de": np.array([8]), "en": np.array([10])}
    found, notes = score_ranks(suite(["de", "en"]), Ranks(own), same, ["RR"])
    assert {measure for _, _, measure in rows(found)} == {"RR", "SameLanguage@20"}
    assert rows(found)["en", "all", "SameLanguage@20"] == (0.5, 1)
    assert notes == ["RankDistance and PEER are left out: every query has relevant passages in one language alone."]


def test_a_suite_without_a_pool_of_all_has_monolingual_rows_alone() -> None:
    own = {"de": ranks(("a", "de", 2, 0)), "en": ranks(("b", "en", 4, 0))}
    found, notes = score_ranks(suite(["de", "en"], pooled=False, note="Read this."), Ranks(own), {}, ["RR"])
    assert rows(found) == {("de", "de", "RR"): (1 / 2, 1), ("en", "en", "RR"): (1 / 4, 1)}
    assert notes == ["Read this."]


def test_grades_count() -> None:
    graded = ranks(("a", "de", 2, 2), ("a", "en", 1, 1), grade=3)
    found, _ = score_ranks(suite(["de", "en"]), Ranks({"de": graded}), {}, ["nDCG@1"])
    assert rows(found)["de", "all", "nDCG@1"] == (1, 1)
    assert rows(found)["de", "de", "nDCG@1"] == (0, 1)


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(HybridBenchError, match="ir_measures does not know the measure 'mAP'"):
        score_ranks(suite(["de"]), Ranks({"de": GERMAN}), {}, ["AP", "mAP"])
