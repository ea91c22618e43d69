"""Query sets against collections: ranks, shares of languages and domains, and scores, against full sorts and ir_measures."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_datasets.formats import GenericDoc, GenericQuery

import hybrid_bench
from hybrid_bench import Collection, HybridBenchError, Judgement, QuerySet, Setting, Suite
from hybrid_bench.datasets.judged import judged_queries, qrels
from hybrid_bench.datasets.settings import Attribute
from hybrid_bench.measures.provider import PEER, RankDistance
from hybrid_bench.measures.run_scores import score_run
from hybrid_bench.measures.scores import score_ranks
from hybrid_bench.plugin import domain_settings, language_settings
from hybrid_bench.results import runs as trec
from hybrid_bench.results.parts import Score
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.grid import Grid

MEASURES = ["AP", "AP@3", "RR", "nDCG@10", "R@2", "P@1"]
NAMES: Mapping[Attribute, Sequence[str]] = {
    "language": ("de", "en", "sr-latn", "zh", "zh-hans"),
    "domain": ("law", "law-eu", "news", "web"),
}


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    hybrid_bench.register()


@dataclass(frozen=True)
class Drawn:
    """A suite with vectors for its queries and passages."""

    suite: Suite
    attribute: Attribute
    queries: Mapping[str, np.ndarray]
    passages: Mapping[str, np.ndarray]

    def grid(self) -> Grid:
        judged = judged_queries(self.suite)
        rows = {name: {query.id: at for at, query in enumerate(self.suite.queries(name))} for name in judged}
        asked = {
            name: (part, self.queries[name][[rows[name][query.id] for query in part.queries]]) for name, part in judged.items()
        }
        ids = {of.name: [passage.id for passage in self.suite.passages(of.name)] for of in self.suite.collections}
        return Grid(self.suite, Columns.stack(self.passages, ids, self.suite.pools), asked)

    def full_run(self, setting: Setting) -> dict[str, list[trec.Hit]]:
        """All passages of a pool for every query that counts, sorted as trec_eval sorts them."""
        judged = qrels(self.suite, setting, self.suite.query_set(setting.query_set).judgements())
        found = {}
        for query, vector in zip(self.suite.queries(setting.query_set), self.queries[setting.query_set], strict=True):
            if query.id in judged:
                found[query.id] = trec.canonical(
                    (passage.id, float(np.float32(vector @ passage_vector)))
                    for name in self.suite.pool(setting.pool)
                    for passage, passage_vector in zip(self.suite.passages(name), self.passages[name], strict=True)
                )
        return found

    def group_of(self, setting: Setting) -> dict[str, str]:
        """Passage id in a pool to its language or domain."""
        return {
            passage.id: str(getattr(self.suite.collection(name), self.attribute))
            for name in self.suite.pool(setting.pool)
            for passage in self.suite.passages(name)
        }


def drawn(
    seed: int,
    *,
    attribute: Attribute = "language",
    names: Sequence[str] | None = None,
    unique: bool = False,
    pools: Mapping[str, tuple[str, ...]] | None = None,
    queries: int = 6,
    passages: int = 12,
) -> Drawn:
    """A suite drawn by a seed; scores are exact and many passages tie.

    Args:
        seed: of the generator.
        attribute: in which its collections differ.
        names: of its collections and query sets, which are the values of the attribute.
        unique: whether passage ids are unique and alternate between collections; else each collection has the same ids.
        pools: of several collections; by default one of all.
        queries: in each query set.
        passages: in a collection at most.
    """
    rng = np.random.default_rng(seed)
    names = list(names or NAMES[attribute])

    def draw(count: int) -> np.ndarray:
        return (rng.integers(-2, 3, (count, 2)) / 8).astype(np.float32)

    sizes = {name: int(rng.integers(1, passages + 1)) for name in names}
    numbers = iter(rng.permutation(4 * sum(sizes.values())).tolist())
    ids = {name: [f"{next(numbers) if unique else at:03d}" for at in range(size)] for name, size in sizes.items()}
    every = [(name, doc_id) for name in names for doc_id in ids[name]]
    fixed = {"language": "en"} if attribute == "domain" else {}

    def judgements(name: str) -> list[Judgement]:
        found = []
        for number in range(queries):
            chosen = rng.choice(len(every), min(len(every), int(rng.integers(0, 7))), replace=False)
            found += [Judgement(f"q{number}", *every[at], zlib.crc32(f"{number}{at}".encode()) % 4) for at in chosen]
        return (
            [*found, Judgement("q0", *every[0], 2)]
            if not any(j.query_id == "q0" and j[1:3] == every[0] for j in found)
            else found
        )

    judged = {name: judgements(name) for name in names}
    query_sets = tuple(
        QuerySet(
            name,
            lambda: [GenericQuery(f"q{number}", "A query.") for number in range(queries)],
            lambda name=name: judged[name],  # type: ignore[misc]
            **fixed | {attribute: name},  # type: ignore[arg-type]
        )
        for name in names
    )
    collections = tuple(
        Collection(
            name,
            lambda name=name: [GenericDoc(doc_id, "A passage.") for doc_id in ids[name]],  # type: ignore[misc]
            **fixed | {attribute: name},  # type: ignore[arg-type]
        )
        for name in names
    )
    make = language_settings if attribute == "language" else domain_settings
    pools = {"all": tuple(names)} if pools is None else pools
    settings = make(query_sets, collections, "all")
    kind = settings[-1].kind
    settings = (
        *(setting for setting in settings if setting.pool != "all"),
        *(Setting(name, pool, kind) for name in names for pool in pools),
    )
    suite = Suite("drawn", "", query_sets, collections, settings, pools, unique_ids=unique)
    return Drawn(suite, attribute, {name: draw(queries) for name in names}, {name: draw(size) for name, size in sizes.items()})


@st.composite
def _suites(draw: st.DrawFn) -> Drawn:
    attribute: Attribute = draw(st.sampled_from(["language", "domain"]))
    names = draw(st.lists(st.sampled_from(NAMES[attribute]), min_size=2, unique=True))
    inside = st.lists(st.sampled_from(names), min_size=2, unique=True).map(tuple)
    pools = draw(st.fixed_dictionaries({}, optional={"all": st.just(tuple(names)), "some": inside, "others": inside}))
    size = draw(st.sampled_from([3, 12]))
    return drawn(
        draw(st.integers(0, 2**32)), attribute=attribute, names=names, unique=draw(st.booleans()), pools=pools, passages=size
    )


suites = _suites()


@given(suites)
def test_ranks_are_those_of_a_full_sort_in_every_pool(drawn: Drawn) -> None:
    ranks, _ = drawn.grid().rank()
    assert set(ranks) == set(judged_queries(drawn.suite))
    for setting in drawn.suite.settings:
        judged = qrels(drawn.suite, setting, drawn.suite.query_set(setting.query_set).judgements())
        full = drawn.full_run(setting)
        expected = {
            (query_id, doc_id): (grade, 1 + [hit.doc_id for hit in full[query_id]].index(doc_id))
            for query_id, grades in judged.items()
            for doc_id, grade in grades.items()
        }
        of = ranks[setting.query_set]
        rank = of.rank_in.get(setting.pool, of.rank)
        found = {
            (of.query_ids[of.query[pair]], of.doc_id[pair]): (int(of.relevance[pair]), int(rank[pair]))
            for pair in np.flatnonzero(of.inside(setting.pool))
        }
        assert found == expected
    for of in ranks.values():
        assert [drawn.suite.collection_of(doc_id) for doc_id in of.doc_id] == of.collection.tolist()


@given(suites, st.integers(1, 25))
def test_the_first_passages_of_the_query_s_language_or_domain_are_counted(drawn: Drawn, depth: int) -> None:
    _, groups = drawn.grid().rank(group_depth=depth)
    judged = judged_queries(drawn.suite)
    for name, pool in itertools.product(judged, drawn.suite.pools):
        setting = next(setting for setting in drawn.suite.settings if (setting.query_set, setting.pool) == (name, pool))
        group = drawn.group_of(setting)
        full = drawn.full_run(setting)
        counts = dict(
            zip((query.id for query in judged[name].queries), groups[name][pool, drawn.attribute].tolist(), strict=True)
        )
        expected = {query_id: sum(group[hit.doc_id] == name for hit in hits[:depth]) for query_id, hits in full.items()}
        assert {query_id: counts[query_id] for query_id in full} == expected
        assert {attribute for _, attribute in groups[name]} == {drawn.attribute}


def rows(found: Sequence[Score]) -> dict[tuple[str, str, str], tuple[float, int]]:
    """(query set, pool, measure) to value and number of queries."""
    assert len({(row.query_set, row.pool, row.measure) for row in found}) == len(found)
    return {(row.query_set, row.pool, row.measure): (row.value, row.queries) for row in found}


def expected_rows(drawn: Drawn) -> dict[tuple[str, str, str], tuple[float, int]]:
    """The same by ir_measures on full runs."""
    expected: dict[tuple[str, str, str], tuple[float, int]] = {}
    by_domain = drawn.attribute == "domain"
    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    for setting in drawn.suite.settings:
        judgements = list(drawn.suite.query_set(setting.query_set).judgements())
        judged = qrels(drawn.suite, setting, judgements)
        if not judged:
            continue
        where, full = (setting.query_set, setting.pool), drawn.full_run(setting)
        run = {query_id: dict(hits) for query_id, hits in full.items()}
        for measure, value in ir_measures.calc_aggregate(measures, judged, run).items():
            expected[(*where, str(measure))] = (value, len(judged))
        if setting.pool not in drawn.suite.pools:
            continue
        group = drawn.group_of(setting)
        same = [sum(group[hit.doc_id] == setting.query_set for hit in hits[:20]) / 20 for hits in full.values()]
        expected[(*where, "SameDomain@20" if by_domain else "SameLanguage@20")] = (float(np.mean(same)), len(same))
        several = {query_id for query_id, grades in judged.items() if len(grades) > 1}
        inside = {group[doc_id] for grades in judged.values() for doc_id in grades}
        if not several or len(inside) < 2:
            continue
        named = [
            ir_measures.Qrel(query_id, doc_id, grade, group[doc_id])
            for query_id, grades in judged.items()
            for doc_id, grade in grades.items()
        ]
        bias = ir_measures.providers.registry["hybrid_bench"].calc_aggregate([RankDistance, PEER], named, run)
        expected[(*where, "RankDistance(domain)" if by_domain else "RankDistance")] = (bias[RankDistance], len(several))
        expected[(*where, "PEER(domain)" if by_domain else "PEER")] = (bias[PEER], len(several))
    return expected


@given(suites)
def test_scores_are_those_of_ir_measures_on_full_runs(drawn: Drawn) -> None:
    ranks, groups = drawn.grid().rank()
    found, _ = score_ranks(drawn.suite, Ranks(ranks), groups, MEASURES)
    without_median = {key: value for key, value in rows(found).items() if key[2] != "RankDistance(median)"}
    expected = expected_rows(drawn)
    assert without_median.keys() == expected.keys()
    for key, (value, queries) in expected.items():
        assert without_median[key] == (pytest.approx(value, abs=1e-9), queries), key
    assert {(row.query_set, row.pool): row.setting for row in found}.items() <= {
        (setting.query_set, setting.pool): setting.kind for setting in drawn.suite.settings
    }.items()


@given(suites)
def test_runs_have_the_scores_of_ranks(drawn: Drawn) -> None:
    """All but RankDistance and PEER, which a run that is cut at a depth does not have."""
    ranks, groups = drawn.grid().rank()
    from_ranks = rows(score_ranks(drawn.suite, Ranks(ranks), groups, MEASURES)[0])
    for setting in drawn.suite.settings:
        judged = qrels(drawn.suite, setting, drawn.suite.query_set(setting.query_set).judgements())
        if judged:
            for key, (value, queries) in rows(score_run(drawn.suite, setting, judged, drawn.full_run(setting), MEASURES)).items():
                assert from_ranks[key] == (pytest.approx(value, abs=1e-9), queries), key


def test_a_restricted_suite_has_the_scores_of_its_part() -> None:
    whole = drawn(3, names=["zh-hans", "sr-latn", "zh"], passages=30, queries=12)
    part = whole.suite.restrict(["zh-hans", "sr-latn"])
    restricted = Drawn(part, "language", whole.queries, {name: whole.passages[name] for name in ("zh-hans", "sr-latn")})
    ranks, groups = restricted.grid().rank()
    found = rows(score_ranks(part, Ranks(ranks), groups, MEASURES)[0])
    everything = rows(score_ranks(whole.suite, Ranks(whole.grid().rank()[0]), whole.grid().rank()[1], MEASURES)[0])
    single = {key for key in found if key[1] != "all"}
    assert len(single) == 4 * len(MEASURES)
    assert {key: found[key] for key in single} == {key: everything[key] for key in single}
    assert found["zh-hans", "all", "AP"] != everything["zh-hans", "all", "AP"]
    expected = expected_rows(restricted)
    assert all(found[key] == (pytest.approx(value), queries) for key, (value, queries) in expected.items())


def test_a_small_pool_of_some_collections_counts_no_passage_of_another() -> None:
    """The pool has 2 passages, fewer than are counted; the last column of all is of the query's language too."""
    suite = drawn(0, names=["de", "en", "th"], pools={"some": ("en", "th")}, passages=1).suite
    vectors = {name: np.ones((1, 2), np.float32) for name in ("de", "en", "th")}
    queries = {name: np.ones((6, 2), np.float32) for name in ("de", "en", "th")}
    _, groups = Drawn(suite, "language", queries, vectors).grid().rank()
    assert {name: set(groups[name]["some", "language"].tolist()) for name in groups} == {"de": {0}, "en": {1}, "th": {1}}


@pytest.mark.parametrize("language", [None, "th"])
def test_a_query_set_without_passages_of_its_language_finds_none(language: str | None) -> None:
    """One without a language has no share of its language."""
    queries = QuerySet("q", lambda: [GenericQuery("1", "?")], lambda: [Judgement("1", "de", "1", 1)], language=language)
    collections = [Collection(name, lambda: [GenericDoc("1", "!")], language=name) for name in ("de", "en")]
    suite = Suite("toy", "", (queries,), tuple(collections), (Setting("q", "all", "multilingual"),), {"all": ("de", "en")})
    ones = np.ones((1, 2), np.float32)
    _, groups = Drawn(suite, "language", {"q": ones}, {"de": ones, "en": ones}).grid().rank()
    assert {key: counts.tolist() for key, counts in groups["q"].items()} == ({("all", "language"): [0]} if language else {})


def test_collections_of_one_language_and_domain_have_no_share() -> None:
    queries = QuerySet("q", lambda: [GenericQuery("1", "?")], lambda: [Judgement("1", "a", "1", 1)], language="en")
    collections = [Collection(name, lambda: [GenericDoc("1", "!")], language="en") for name in ("a", "b")]
    suite = Suite("toy", "", (queries,), tuple(collections), (Setting("q", "all", "monolingual"),), {"all": ("a", "b")})
    ones = np.ones((1, 2), np.float32)
    ranks, groups = Drawn(suite, "language", {"q": ones}, {"a": ones, "b": ones}).grid().rank()
    assert groups == {"q": {}}
    assert {key[2] for key in rows(score_ranks(suite, Ranks(ranks), groups, ["AP"])[0])} == {"AP"}


def test_a_relevant_passage_that_is_not_in_its_collection_ranks_behind_it_and_is_not_found() -> None:
    queries = QuerySet("de", lambda: [GenericQuery("1", "?")], lambda: [Judgement("1", "de", "9", 1)], language="de")
    suite = Suite(
        "toy", "", (queries,), (Collection("de", lambda: [GenericDoc("1", "!")]),), (Setting("de", "de", "monolingual"),)
    )
    ones = np.ones((1, 2), np.float32)
    ranks = Drawn(suite, "language", {"de": ones}, {"de": ones}).grid().rank()[0]["de"]
    assert (list(ranks.doc_id), ranks.rank.tolist(), ranks.found) == (["9"], [2], [False])


def test_queries_and_passages_of_other_dimensions_are_refused() -> None:
    found = drawn(1, names=["de", "en"])
    wider = {name: np.ones((len(of), 3), np.float32) for name, of in found.queries.items()}
    with pytest.raises(HybridBenchError, match="the encoder gives queries 3 dimensions and passages 2"):
        Drawn(found.suite, "language", wider, found.passages).grid()


def test_the_full_runs_of_a_grid_are_of_its_settings() -> None:
    found = drawn(2, names=["de", "en"], unique=True)
    full = found.grid().full_runs()
    assert list(full.settings) == [
        setting for setting in found.suite.settings if setting.query_set in judged_queries(found.suite)
    ]
    judged = judged_queries(found.suite)
    assert full.query_ids == {name: [query.id for query in part.queries] for name, part in judged.items()}
    assert math.prod(full.vectors.shape) == 2 * sum(len(part.queries) for part in judged.values())
