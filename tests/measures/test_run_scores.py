"""Scores of runs against ir_measures on complete runs, and shares of languages and domains."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest

from hybrid_bench import HybridBenchError, Setting
from hybrid_bench.datasets.catalog import MIRACL
from hybrid_bench.measures.run_scores import RunScores, score_run
from hybrid_bench.results.runs import Hit, canonical
from tests.datasets import examples


@pytest.mark.parametrize(
    "names",
    [
        ["nDCG@10", "R@100"],
        ["P@1", "AP@20", "Success@5"],
        ["P@1", "RR@10"],
        ["nDCG@10", "AP"],
        ["nDCG(judged_only=True)@10"],
        ["P(rel=2)@5", "RPrec"],
    ],
)
def test_runs_have_the_scores_of_ir_measures_on_complete_runs(names: list[str]) -> None:
    """Few different scores, so that cut-offs fall between ties."""
    rng = np.random.default_rng(0)
    judged, run = {}, {}
    for query in map(str, range(20)):
        judged[query] = {f"d{number}": int(rng.integers(0, 4)) for number in rng.choice(400, 30, replace=False)}
        run[query] = canonical((f"d{number}", float(rng.integers(0, 5))) for number in rng.choice(400, 300, replace=False))
    scores = RunScores(MIRACL, Setting("en", "en", "monolingual"), names)
    for part in (list(judged)[:7], list(judged)[7:]):
        scores.add({query: judged[query] for query in part}, run)
    whole = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in names], judged, {query: dict(hits) for query, hits in run.items()}
    )
    assert {row.measure: row.value for row in scores.rows()} == pytest.approx({str(m): v for m, v in whole.items()}, abs=1e-12)


def hits(*doc_ids: str) -> list[Hit]:
    return [Hit(doc_id, float(-rank)) for rank, doc_id in enumerate(doc_ids)]


@pytest.mark.parametrize("unique", [False, True])
def test_the_share_of_the_query_s_language_is_by_the_collection_of_each_passage(unique: bool) -> None:
    """Names of which one begins with another, and unique ids that say nothing of the collection."""
    names = ["zh", "zh-hans"]
    doc_ids = {"zh": ["hans-1", "2"], "zh-hans": ["1", "3"]}
    suite = examples.by_language(names, doc_ids=doc_ids, unique_ids=unique)
    of = {name: [suite.trec_id(name, doc_id) for doc_id in doc_ids[name]] for name in names}
    run = {"q1": hits(of["zh"][0], of["zh-hans"][0]), "q2": hits(of["zh-hans"][1])}
    judged = {"q1": {of["zh-hans"][0]: 1}, "q2": {of["zh"][1]: 1}, "q3": {of["zh"][0]: 1}}
    for name, same in (("zh", 1), ("zh-hans", 2)):
        scores = score_run(suite, Setting(name, "all", "multilingual"), judged, run, ["RR"])
        assert {row.measure: (row.value, row.queries) for row in scores} == {
            "RR": (pytest.approx((1 / 2 + 0 + 0) / 3), 3),
            "SameLanguage@20": (pytest.approx(same / 20 / 3), 3),
        }
    alone = score_run(suite, Setting("zh", "zh-hans", "cross-lingual"), judged, run, ["RR"])
    assert [row.measure for row in alone] == ["RR"]


def test_the_share_of_the_query_s_domain_is_counted_in_pools_of_several_domains() -> None:
    suite = examples.by_domain(
        ["law", "news", "web"], pools={"all": ("law", "news", "web"), "written": ("law", "news")}, settings=()
    )
    run = {"q1": hits("law-1", "news-1", "law-2")}
    for pool in ("all", "written"):
        scores = score_run(suite, Setting("law", pool, "all-domain"), {"q1": {"news-1": 1}}, run, ["RR"])
        assert {row.measure: row.value for row in scores} == {"RR": 1 / 2, "SameDomain@20": 2 / 20}


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(HybridBenchError, match="ir_measures does not know the measure 'mAP'"):
        RunScores(MIRACL, Setting("en", "en", "monolingual"), ["mAP"])
