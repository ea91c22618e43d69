"""From ranks to rows: every setting, every measure, language bias, and the notes that go with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, kruskal

from hybrid_bench import HybridBenchError, Setting, Suite
from hybrid_bench.datasets.settings import Attribute
from hybrid_bench.measures.scores import score_ranks
from hybrid_bench.results.parts import Score
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from tests.datasets import examples


def suite(languages: Sequence[str], **more: Any) -> Suite:
    """A suite of which only the settings and the languages are read."""
    return examples.by_language(languages, **more)


def ranks(*found: tuple[str, str, int, int], grade: int = 1) -> QuerySetRanks:
    """Ranks of relevant passages, given as (query, collection, rank in the collection, rank in the pool of all)."""
    query_ids = list(dict.fromkeys(query for query, *_ in found))
    return QuerySetRanks(
        query_ids=query_ids,
        query=np.array([query_ids.index(query) for query, *_ in found], np.int32),
        collection=np.array([collection for _, collection, *_ in found]),
        doc_id=[f"{collection}-{at}" for at, (_, collection, *_) in enumerate(found)],
        relevance=np.full(len(found), grade, np.int32),
        rank=np.array([rank for *_, rank, _ in found], np.int32),
        rank_in={"all": np.array([rank for *_, rank in found], np.int32)},
    )


def counted(**counts: Sequence[int]) -> dict[str, dict[tuple[str, Attribute], np.ndarray]]:
    """Passages of the query's language among the first 20 of all, by query set and query."""
    return {name: {("all", "language"): np.array(of, np.int32)} for name, of in counts.items()}


GERMAN = ranks(("a", "de", 1, 2), ("a", "en", 4, 9), ("b", "de", 2, 3), ("b", "en", 1, 1), ("c", "de", 10, 21))
ENGLISH = ranks(("a", "de", 5, 8), ("a", "en", 1, 1))


def rows(found: Sequence[Score]) -> dict[tuple[str, str, str], tuple[float, int]]:
    """(query set, pool, measure) to value and number of queries."""
    return {(row.query_set, row.pool, row.measure): (row.value, row.queries) for row in found}


def test_values_are_means_over_the_queries_that_have_a_relevant_passage_in_the_pool() -> None:
    same = counted(de=[20, 10, 3], en=[5])
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
    assert {(row.query_set, row.pool): row.setting for row in found} == {
        ("de", "de"): "monolingual", ("de", "en"): "cross-lingual", ("de", "all"): "multilingual",
        ("en", "en"): "monolingual", ("en", "de"): "cross-lingual", ("en", "all"): "multilingual",
    }  # fmt: skip
    assert {row.suite for row in found} == {"toy"}
    assert notes == [
        "PEER is degenerate here: with one relevant passage a language it depends on their number alone. Read RankDistance."
    ]


def test_the_median_gap_of_an_even_number_of_queries_lies_between_the_two_in_the_middle() -> None:
    gaps = [1, 2, 30, 400]
    of_gaps = [(f"q{gap}", language, 1, rank) for gap in gaps for language, rank in (("de", 1), ("en", 1 + gap))]
    found, _ = score_ranks(suite(["de", "en"]), Ranks({"de": ranks(*of_gaps)}), counted(de=[0, 0, 0, 0]), ["RR"])
    assert rows(found)["de", "all", "RankDistance(median)"] == (16, 4)


def test_peer_has_no_note_where_languages_have_several_relevant_passages() -> None:
    several = ranks(("a", "de", 1, 1), ("a", "de", 2, 2), ("a", "en", 1, 3), ("a", "en", 2, 4))
    found, notes = score_ranks(suite(["de", "en"]), Ranks({"de": several}), counted(de=[4]), ["RR"])
    assert rows(found)["de", "all", "PEER"][0] < 0.2
    assert notes == []


def test_bias_is_left_out_where_every_query_has_relevant_passages_in_its_own_language_alone() -> None:
    own = {"de": ranks(("a", "de", 1, 4)), "en": ranks(("b", "en", 2, 2), ("b", "en", 3, 5))}
    found, notes = score_ranks(suite(["de", "en"]), Ranks(own), counted(de=[8], en=[10]), ["RR"])
    assert {measure for _, _, measure in rows(found)} == {"RR", "SameLanguage@20"}
    assert rows(found)["en", "all", "SameLanguage@20"] == (0.5, 1)
    assert notes == ["RankDistance and PEER are left out: every query has relevant passages in one language alone."]


def test_a_suite_without_a_pool_of_several_has_the_rows_of_its_settings_alone() -> None:
    own = {"de": ranks(("a", "de", 2, 0)), "en": ranks(("b", "en", 4, 0))}
    pair = examples.by_language(["de", "en"])
    settings = tuple(setting for setting in pair.settings if setting.kind == "monolingual")
    found, notes = score_ranks(suite(["de", "en"], settings=settings, pools={}, note="Read this."), Ranks(own), {}, ["RR"])
    assert rows(found) == {("de", "de", "RR"): (1 / 2, 1), ("en", "en", "RR"): (1 / 4, 1)}
    assert notes == ["Read this."]


def test_scores_of_a_restricted_suite_name_the_suite_itself() -> None:
    found, _ = score_ranks(suite(["de", "en", "th"]).restrict(["de", "en"]), Ranks({"de": GERMAN}), {}, ["RR"])
    assert {row.suite for row in found} == {"toy"}


def test_bias_is_measured_by_domain_in_one_language() -> None:
    """Ranks in the pool of all: query a 1 (law) and 9 (news), query b 2, 3 (law) and 4 (news)."""
    law = ranks(("a", "law", 1, 1), ("a", "news", 3, 9), ("b", "law", 1, 2), ("b", "law", 2, 3), ("b", "news", 1, 4))
    same = {"law": {("all", "domain"): np.array([10, 20], np.int32)}}
    found, notes = score_ranks(examples.by_domain(["law", "news"]), Ranks({"law": law}), same, ["RR"])
    assert rows(found) == {
        ("law", "law", "RR"): (1, 2),
        ("law", "news", "RR"): (pytest.approx((1 / 3 + 1) / 2), 2),
        ("law", "all", "RR"): (pytest.approx((1 + 1 / 2) / 2), 2),
        ("law", "all", "RankDistance(domain)"): ((8 + 2) / 2, 2),
        ("law", "all", "PEER(domain)"): (pytest.approx((chi2.sf(1, 1) + kruskal([1, 2], [3]).pvalue) / 2), 2),
        ("law", "all", "SameDomain@20"): (30 / 40, 2),
    }
    assert {row.pool: row.setting for row in found} == {"law": "in-domain", "news": "cross-domain", "all": "all-domain"}
    assert notes == []


def test_notes_on_bias_name_the_attribute() -> None:
    one_a_domain = {"law": ranks(("a", "law", 1, 1), ("a", "news", 1, 2))}
    _, notes = score_ranks(examples.by_domain(["law", "news"]), Ranks(one_a_domain), {}, ["RR"])
    assert notes == [
        "PEER is degenerate here: with one relevant passage a domain it depends on their number alone. Read RankDistance."
    ]
    alone = {"law": ranks(("a", "law", 1, 1), ("a", "law", 2, 2))}
    _, notes = score_ranks(examples.by_domain(["law", "news"]), Ranks(alone), {}, ["RR"])
    assert notes == ["RankDistance and PEER are left out: every query has relevant passages in one domain alone."]


def two_languages_and_domains() -> Suite:
    """Collections that differ in language and in domain; query sets in English, of either domain."""
    collections = tuple(
        examples.collection(f"{language}-{domain}", language=language, domain=domain)
        for language in ("de", "en")
        for domain in ("law", "news")
    )
    pools = {"all": tuple(of.name for of in collections), "english": ("en-law", "en-news"), "law": ("de-law", "en-law")}
    settings = tuple(Setting("en-law", pool, "all-domain" if pool == "english" else "multilingual") for pool in pools)
    return Suite("both", "", (examples.query_set("en-law", language="en", domain="law"),), collections, settings, pools)


def test_bias_of_a_pool_is_by_the_attributes_in_which_its_collections_differ() -> None:
    """Query a: de-law 4, de-news 7, en-law 1; query b: en-news 2, en-law 3; query c: de-news 5 alone."""
    found = ranks(
        ("a", "de-law", 1, 4), ("a", "de-news", 1, 7), ("a", "en-law", 1, 1),
        ("b", "en-news", 1, 2), ("b", "en-law", 2, 3), ("c", "de-news", 1, 5),
    )  # fmt: skip
    in_english, in_law = np.array([0, 0, 1, 2, 3, 0], np.int32), np.array([2, 0, 1, 0, 3, 0], np.int32)
    found = dataclasses.replace(found, rank_in={**found.rank_in, "english": in_english, "law": in_law})
    same: dict[tuple[str, Attribute], np.ndarray] = {
        ("all", "language"): np.array([10, 8, 6], np.int32),
        ("all", "domain"): np.array([9, 7, 5], np.int32),
        ("english", "domain"): np.array([4, 2, 20], np.int32),
        ("law", "language"): np.array([6, 2, 20], np.int32),
    }
    scores, _ = score_ranks(two_languages_and_domains(), Ranks({"en-law": found}), {"en-law": same}, ["RR"])
    values = {key[1:]: value for key, value in rows(scores).items() if not key[2].startswith("PEER")}
    assert values == {
        ("all", "RR"): (pytest.approx((1 + 1 / 2 + 1 / 5) / 3), 3),
        ("all", "RankDistance"): ((6 + 1) / 2, 2),
        ("all", "RankDistance(median)"): ((6 + 1) / 2, 2),
        ("all", "RankDistance(domain)"): ((6 + 1) / 2, 2),
        ("all", "SameLanguage@20"): (pytest.approx(24 / 60), 3),
        ("all", "SameDomain@20"): (pytest.approx(21 / 60), 3),
        ("english", "RR"): (pytest.approx((1 + 1 / 2) / 2), 2),
        ("english", "RankDistance(domain)"): (1, 1),
        ("english", "SameDomain@20"): (pytest.approx(6 / 40), 2),
        ("law", "RR"): (pytest.approx((1 + 1 / 3) / 2), 2),
        ("law", "RankDistance"): (1, 1),
        ("law", "RankDistance(median)"): (1, 1),
        ("law", "SameLanguage@20"): (pytest.approx(8 / 40), 2),
    }
    peers = {key[1:]: value for key, value in rows(scores).items() if key[2].startswith("PEER")}
    two = chi2.sf(1, 1)
    assert peers == {
        ("all", "PEER"): (pytest.approx((peer_of([4, 7, 1], "dde") + 1) / 2), 2),
        ("all", "PEER(domain)"): (pytest.approx((peer_of([4, 7, 1], "lnl") + two) / 2), 2),
        ("english", "PEER(domain)"): (pytest.approx(two), 1),
        ("law", "PEER"): (pytest.approx(two), 1),
    }


def peer_of(found: Sequence[int], groups: str) -> float:
    """The Kruskal-Wallis test of the ranks in the pool: Yang et al. 2024 (arXiv 2405.00978)."""
    rank = np.array(found, float)
    mean, total = rank.mean(), ((rank - rank.mean()) ** 2).sum()
    inside = {group: rank[[at for at, of in enumerate(groups) if of == group]] for group in set(groups)}
    between = sum(len(of) * (of.mean() - mean) ** 2 for of in inside.values())
    return float(chi2.sf((len(rank) - 1) * between / total, len(inside) - 1))


def test_a_passage_that_was_not_retrieved_counts_for_no_measure_but_has_a_rank_for_bias() -> None:
    """It is ranked 3, behind the two that were retrieved; only RankDistance reads that."""
    found = ranks(("a", "de", 1, 1), ("a", "en", 2, 3))
    partly = dataclasses.replace(found, found=np.array([True, False]), found_in={"all": np.array([True, False])})
    for of, in_english, in_all in ((found, 1 / 2, (1 + 2 / 3) / 2), (partly, 0, 1 / 2)):
        scores, _ = score_ranks(suite(["de", "en"]), Ranks({"de": of}), {}, ["AP"])
        assert rows(scores)["de", "en", "AP"] == (in_english, 1)
        assert rows(scores)["de", "all", "AP"] == (pytest.approx(in_all), 1)
        assert rows(scores)["de", "all", "RankDistance"] == (2, 1)


def test_grades_count() -> None:
    graded = ranks(("a", "de", 2, 2), ("a", "en", 1, 1), grade=3)
    found, _ = score_ranks(suite(["de", "en"]), Ranks({"de": graded}), {}, ["nDCG@1"])
    assert rows(found)["de", "all", "nDCG@1"] == (1, 1)
    assert rows(found)["de", "de", "nDCG@1"] == (0, 1)


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(HybridBenchError, match="ir_measures does not know the measure 'mAP'"):
        score_ranks(suite(["de"]), Ranks({"de": GERMAN}), {}, ["AP", "mAP"])
