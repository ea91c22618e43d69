"""RankDistance, PEER and SameLanguage as measures of ir_measures, on any run."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import ir_datasets
import ir_measures
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, Measure, providers
from scipy import stats

import hybrid_bench
from hybrid_bench import HybridBenchError
from hybrid_bench.measures.provider import PEER, RankDistance, SameLanguage
from hybrid_bench.results import runs
from tests.tiny_encoder import TinyEncoder

Qrels = dict[str, dict[str, int]]
Run = dict[str, dict[str, float]]


@pytest.fixture(autouse=True)
def _registered() -> None:
    hybrid_bench.register()


def in_order(*doc_ids: str) -> dict[str, float]:
    """A ranking, best first."""
    return {doc_id: float(-rank) for rank, doc_id in enumerate(doc_ids)}


def relevant(*doc_ids: str) -> dict[str, int]:
    return dict.fromkeys(doc_ids, 1)


def with_language(qrels: Qrels) -> list[ir_measures.Qrel]:
    """The qrels with the language of each passage as their ``iteration``; here the ids of passages begin with it."""
    return [
        ir_measures.Qrel(query_id, doc_id, grade, doc_id[:2])
        for query_id, judged in qrels.items()
        for doc_id, grade in judged.items()
    ]


def values(name: str, qrels: Qrels, run: Run) -> dict[str, float]:
    return {score.query_id: score.value for score in ir_measures.parse_measure(name).iter_calc(with_language(qrels), run)}


def test_they_are_parsed_and_scored_beside_other_measures() -> None:
    measures = [ir_measures.parse_measure(name) for name in ("AP", "RankDistance", "PEER@20", "PEER")]
    assert [str(measure) for measure in measures] == ["AP", "RankDistance", "PEER@20", "PEER"]
    qrels, run = {"q": relevant("de-1", "en-1")}, {"q": in_order("de-1", "de-2", "de-3", "en-1")}
    found = ir_measures.calc_aggregate(measures, with_language(qrels), run)
    assert found[ir_measures.AP] == pytest.approx((1 + 2 / 4) / 2)
    assert found[RankDistance] == 3
    assert found[PEER @ 20] == found[PEER] == pytest.approx(stats.chi2.sf(1, 1))


def test_registering_again_changes_nothing() -> None:
    before = list(ir_measures.DefaultPipeline.providers)
    hybrid_bench.register()
    assert before == ir_measures.DefaultPipeline.providers
    assert [provider.NAME for provider in before].count("hybrid_bench") == 1
    assert providers.registry["hybrid_bench"] in before


@pytest.mark.parametrize("beside", [[], [ir_measures.AP, RR @ 10]])
def test_the_mean_is_over_queries_with_several_relevant_passages_whatever_else_is_asked(beside: list[Measure]) -> None:
    qrels = {"one": relevant("de-1"), "near": relevant("de-1", "en-1"), "far": relevant("de-1", "en-1", "zh-1")}
    run = {query: in_order("de-1", "en-1", "th-1", "th-2", "zh-1") for query in qrels}
    assert values("RankDistance", qrels, run) == {"one": pytest.approx(math.nan, nan_ok=True), "near": 1, "far": 4}
    found = ir_measures.calc_aggregate([*beside, RankDistance, PEER], with_language(qrels), run)
    assert found[RankDistance] == 2.5
    assert found[PEER] == pytest.approx((stats.chi2.sf(1, 1) + stats.chi2.sf(2, 2)) / 2)


def test_a_relevant_passage_that_was_not_retrieved_ranks_right_after_the_run() -> None:
    qrels = {"q": relevant("de-1", "zh-1", "zh-2")}
    assert values("RankDistance", qrels, {"q": in_order("th-1", "de-1", "th-2")}) == {"q": 4 - 2}


def test_only_grades_from_rel_on_are_relevant() -> None:
    qrels, run = {"q": {"de-1": 2, "en-1": 1, "zh-1": 2}}, {"q": in_order("en-1", "de-1", "th-1", "zh-1")}
    assert values("RankDistance", qrels, run) == {"q": 3}
    assert values("RankDistance(rel=2)", qrels, run) == {"q": 2}
    assert values("PEER(rel=2)", qrels, run) == {"q": pytest.approx(stats.chi2.sf(1, 1))}


@given(
    st.dictionaries(st.integers(0, 99).map("de-{:02d}".format), st.sampled_from([0.5, 0.25, 1 / 3, 1 / 3 + 1e-12]), min_size=2)
)
def test_passages_rank_where_trec_eval_ranks_them_ties_of_float32_included(scores: dict[str, float]) -> None:
    run = {"q": scores}
    first, *_, last = sorted(scores, key=lambda doc_id: RR.calc_aggregate({"q": {doc_id: 1}}, run), reverse=True)
    assert values("RankDistance", {"q": relevant(first, last)}, run) == {"q": len(scores) - 1}


def test_peer_is_a_kruskal_wallis_test_of_the_ranks_of_relevant_passages() -> None:
    """Ranks 1 to 6 are all relevant, so that scipy's ranks within the sample are the same."""
    order = ["de-1", "de-2", "en-1", "de-3", "en-2", "zh-1", "th-1", "th-2"]
    found = values("PEER", {"q": relevant(*order[:6])}, {"q": in_order(*order)})
    assert found == {"q": pytest.approx(stats.kruskal([1, 2, 4], [3, 5], [6]).pvalue)}


def test_below_the_cut_off_all_passages_share_the_mean_of_the_ranks_that_follow() -> None:
    order = ["de-1", "de-2", "en-1", "en-2", "de-3"]
    run = {"q": in_order(*order)}
    expected = stats.kruskal([1, 2, 4], [4, 4]).pvalue
    assert stats.rankdata([1, 2, 4, 4, 4]).tolist() == [1, 2, 4, 4, 4]
    assert values("PEER@2", {"q": relevant(*order)}, run) == {"q": pytest.approx(expected)}
    assert values("PEER", {"q": relevant(*order)}, {"q": in_order("de-1", "de-2")}) == {"q": pytest.approx(expected)}


def test_a_query_that_is_missing_from_the_run_has_all_its_passages_after_the_end() -> None:
    assert values("PEER@10", {"q": relevant("de-1", "en-1")}, {}) == {"q": 1}


@pytest.mark.parametrize(
    "qrels",
    [
        {"q": {"de-1": 1, "en-1": 1}},
        [ir_measures.Qrel("q", "de-1", 1), ir_measures.Qrel("q", "en-1", 1)],
        pd.DataFrame({"query_id": ["q", "q"], "doc_id": ["de-1", "en-1"], "relevance": [1, 1]}),
    ],
    ids=["dict", "records", "frame"],
)
def test_peer_needs_qrels_that_state_the_language_and_rank_distance_does_not(qrels: object) -> None:
    run = {"q": in_order("de-1", "th-1", "en-1")}
    with pytest.raises(
        HybridBenchError, match=r"PEER needs to know the language .*the qrels do not state it\n  Give ir_measures\.Qrel"
    ):
        ir_measures.calc_aggregate([PEER], qrels, run)
    assert ir_measures.calc_aggregate([RankDistance], qrels, run) == {RankDistance: 2}


def test_the_language_is_that_of_the_qrels_and_not_of_the_ids() -> None:
    order = ["de-1", "de-2", "de-3", "de-4", "de-5", "de-6"]
    languages = ["de", "de", "en", "de", "en", "zh-hans"]
    qrels = [ir_measures.Qrel("q", doc_id, 1, language) for doc_id, language in zip(order, languages, strict=True)]
    found = ir_measures.calc_aggregate([PEER], qrels, {"q": in_order(*order)})
    assert found[PEER] == pytest.approx(stats.kruskal([1, 2, 4], [3, 5], [6]).pvalue)


def test_peer_takes_the_language_from_the_entries_of_ir_datasets() -> None:
    """Two of mini's languages led: the German passages come first, then the others in their order."""
    entry = ir_datasets.load("mini/all/en")
    qrels = list(entry.qrels_iter())
    run: Run = {}
    for qrel in qrels:
        run.setdefault(qrel.query_id, {})[qrel.doc_id] = 1.0 if qrel.iteration == "de" else 0.5
    expected = stats.chi2.sf(10, 10)
    assert ir_measures.calc_aggregate([PEER], qrels, run)[PEER] == pytest.approx(expected)


def test_peer_equals_the_package_of_its_authors_at_full_depth_and_leaves_it_its_name() -> None:
    """In a process of its own, where that package registers the name first. It calls what ir_measures no longer has."""
    program = """
        import ir_measures, peer_measure, numpy as np
        import hybrid_bench
        from hybrid_bench.measures import provider
        hybrid_bench.register()
        hybrid_bench.register()

        rng = np.random.default_rng(5)
        docs = [f"{language}-{number}" for language in ("de", "en", "th", "zh") for number in range(15)]
        qrels = {f"q{query}": {doc_id: int(rng.random() < 0.3) for doc_id in docs} for query in range(50)}
        run = {query_id: dict(zip(docs, rng.permutation(60).astype(float).tolist())) for query_id in qrels}

        ir_measures.util.flatten_measures = list
        theirs = peer_measure.PEER(weights={1: 1.0}, lang_mapping={doc_id: doc_id[:2] for doc_id in docs}) @ 60
        expected = {score.query_id: score.value for score in theirs.iter_calc(qrels, run)}
        named = [ir_measures.Qrel(query_id, doc_id, grade, doc_id[:2])
                 for query_id, judged in qrels.items() for doc_id, grade in judged.items()]
        ours = ir_measures.providers.registry["hybrid_bench"].iter_calc([provider.PEER @ 60], named, run)
        found = {score.query_id: score.value for score in ours}
        assert len(found) == 50 and len(set(found.values())) > 40
        assert found.keys() == expected.keys()
        assert max(abs(found[query_id] - expected[query_id]) for query_id in found) < 1e-9

        assert type(ir_measures.parse_measure("PEER(weights={1: 1.0})@60")) is type(peer_measure.PEER)
        assert ir_measures.parse_measure("RankDistance").calc_aggregate(qrels, run) > 0
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def of_tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[hybrid_bench.Result, dict[str, Run]]:
    """A result on two languages of mini, and its full runs on the pool of both, by query language."""
    folder = tmp_path_factory.mktemp("runs")
    options = hybrid_bench.EvaluationOptions(runs=folder, run_settings=("multilingual",), depth=10_000)
    result = hybrid_bench.evaluate(TinyEncoder(), "mini", options=options)
    return result, {language: _run(folder / f"{language}-all.trec.gz") for language in ("de", "th")}


def _run(path: Path) -> Run:
    return {query_id: {hit.doc_id: hit.score for hit in hits} for query_id, hits in runs.read(path).items()}


@pytest.mark.parametrize("language", ["de", "th"])
@pytest.mark.parametrize("form", ["records", "pickled", "frame", "dataset"])
def test_bias_on_an_entry_is_that_of_the_result(
    of_tiny: tuple[hybrid_bench.Result, dict[str, Run]], language: str, form: str
) -> None:
    """For SameLanguage qrels have to state the entry, or the measure has to."""
    result, of_language = of_tiny
    records = list(ir_datasets.load(f"mini/all/{language}").qrels_iter())
    same, qrels = SameLanguage @ 20, records
    if form == "pickled":
        qrels = pickle.loads(pickle.dumps(records))  # noqa: S301
    elif form == "frame":
        qrels = pd.DataFrame(records).assign(dataset=f"mini/all/{language}")
    elif form == "dataset":
        same = ir_measures.parse_measure(f"SameLanguage(dataset='mini/all/{language}')@20")
        qrels = [ir_measures.Qrel(*record) for record in records]
    found = ir_measures.calc_aggregate([same, RankDistance, ir_measures.AP], qrels, of_language[language])
    expected = {row.measure: row.value for row in result.rows if (row.query_set, row.pool) == (language, "all")}
    assert found == {
        same: pytest.approx(expected["SameLanguage@20"]),
        RankDistance: pytest.approx(expected["RankDistance"]),
        ir_measures.AP: pytest.approx(expected["AP"]),
    }
    assert 0 < expected["SameLanguage@20"] < 1


def test_the_language_of_a_document_of_miracl_is_the_beginning_of_its_id() -> None:
    """These pools prefix ids; nothing of the collections is read."""
    same = ir_measures.parse_measure("SameLanguage(dataset='miracl/sw+yo/dev/yo')@4")
    run = {"q": in_order("yo-1#0", "sw-1#0", "yo-2#0")}
    assert same.calc_aggregate({"q": {"yo-1#0": 1}}, run) == 0.5


@pytest.mark.parametrize(
    ("measure", "dataset", "problem"),
    [
        (
            "SameLanguage@5",
            "",
            r"SameLanguage@5 needs to know the languages .* do not state one dataset\n  Name it: SameLanguage",
        ),
        ("SameLanguage@5", "mini/all/en mini/all/de", "the qrels do not state one dataset"),
        ("SameLanguage@5", "no-such", "there is no ir_datasets entry 'no-such'"),
        ("SameLanguage@5", "mini", "the entry mini does not state the language of its queries and of each document"),
        ("SameLanguage@5", "mini/all/en", "the run has the document 'de-1', which is not in mini/all/en"),
    ],
)
def test_what_the_languages_cannot_be_known_of_is_refused(measure: str, dataset: str, problem: str) -> None:
    names = dataset.split() or [None]
    qrels = pd.DataFrame([{"query_id": "q", "doc_id": f"d{at}", "relevance": 1} for at, _ in enumerate(names)])
    qrels = qrels.assign(dataset=names) if dataset else qrels
    with pytest.raises(HybridBenchError, match=problem):
        ir_measures.parse_measure(measure).calc_aggregate(qrels, {"q": in_order("de-1")})
