"""Pipelines in ``hybrid_bench.evaluate``, compared with ``pt.Experiment``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyterrier as pt
import pytest
from ir_measures import AP, RR, R, nDCG
from pyterrier_dr import FlexIndex
from pyterrier_pisa import PisaIndex

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, evaluate
from tests.tiny_encoder import TinyEncoder

#: A setting of each kind.
SETTINGS = ("mini/en/en", "mini/de/en", "mini/all/en")
MEASURES = [AP, RR, nDCG @ 10, R @ 10]


def bm25(dataset: Any, folder: Path) -> Any:
    """Real BM25, of PISA."""
    index = PisaIndex(str(folder), text_field="text", stemmer="none", stops="none")
    index.index({"docno": row["docno"], "text": row["text"]} for row in dataset.get_corpus_iter())
    return index.bm25(num_results=1000)


def dense(dataset: Any, folder: Path, encoder: Any) -> Any:
    index = FlexIndex(str(folder))
    made = pt.hybrid_bench.encoder(encoder)
    (made >> index).index(dataset.get_corpus_iter())
    return made >> index.np_retriever(num_results=1000)


def experiment(pipeline: Any, name: str, measures: list[Any]) -> dict[str, float]:
    """The figures of PyTerrier's own evaluation."""
    dataset = pt.get_dataset(f"hb:{name}")
    found = pt.Experiment([pipeline], dataset.get_topics(), dataset.get_qrels(), measures)
    return {column: float(found[column][0]) for column in found.columns if column != "name"}


def ours(result: Result, name: str) -> dict[str, float]:
    _, pool, query_set = name.split("/")
    return {row.measure: row.value for row in result.rows if (row.query_set, row.pool) == (query_set, pool)}


def options(**more: Any) -> EvaluationOptions:
    return EvaluationOptions(measures=tuple(map(str, MEASURES)), **more)


def assert_equal(result: Result, pipeline_of: Any) -> None:
    for name in SETTINGS:
        theirs = experiment(pipeline_of(name), name, MEASURES)
        assert theirs, name
        found = ours(result, name)
        assert {measure: found[measure] for measure in theirs} == pytest.approx(theirs, abs=1e-6), name


def test_bm25_and_a_reranker_for_each_pool(tmp_path: Path) -> None:
    texts = {row["docno"]: row["text"] for row in pt.get_dataset("hb:mini").get_corpus_iter()}
    made: dict[str, Any] = {}

    def build(dataset: Any) -> Any:
        if dataset.pool not in made:
            add_text = pt.apply.text(lambda row: texts[row["docno"]])
            reranker = pt.hybrid_bench.encoder("char-ngrams").text_scorer()
            made[dataset.pool] = bm25(dataset, tmp_path / dataset.pool) % 20 >> add_text >> reranker
        return made[dataset.pool]

    result = evaluate(pt.hybrid_bench.pipeline(build, "bm25-reranked"), "mini", options=options())
    assert_equal(result, lambda name: build(pt.get_dataset(f"hb:{name}")))
    assert result.name == "bm25-reranked"
    assert {row.setting for row in result.rows} == {"monolingual", "cross-lingual", "multilingual"}


def test_two_retrievers_fused_over_all_passages(tmp_path: Path) -> None:
    dataset = pt.get_dataset("hb:mini")
    fused = 0.5 * dense(dataset, tmp_path / "tiny.flex", TinyEncoder()) + 1.5 * dense(dataset, tmp_path / "n.flex", "char-ngrams")
    result = evaluate(fused, "mini", options=options(name="fused"))
    assert_equal(result, lambda name: fused >> _only(name))
    assert "RankDistance" in {row.measure for row in result.rows}
    assert result.notes[-1] == "One PyTerrier pipeline was asked, and what it found outside of a pool was left out."


def test_only_an_exhaustive_pipeline_has_ranks(tmp_path: Path) -> None:
    retriever = bm25(pt.get_dataset("hb:mini"), tmp_path / "all")
    chosen = options(languages=("de", "en"))
    for exhaustive in (False, True):
        made = pt.hybrid_bench.pipeline(retriever, "bm25", exhaustive=exhaustive)
        found = {row.measure for row in evaluate(made, "mini", options=chosen).rows}
        assert ("RankDistance" in found) == exhaustive


def _only(name: str) -> Any:
    inside = {row["docno"] for row in pt.get_dataset(f"hb:{name}").get_corpus_iter()}
    return pt.apply.generic(lambda found: found[found["docno"].isin(inside)])


def test_an_experiment_has_measures_of_language_bias(tmp_path: Path) -> None:
    retriever = dense(pt.get_dataset("hb:mini"), tmp_path / "tiny.flex", TinyEncoder())
    theirs = experiment(retriever, "mini/all/en", list(pt.hybrid_bench.measures()))
    found = ours(evaluate(TinyEncoder(), "mini"), "mini/all/en")
    for measure in ("RankDistance", "SameLanguage@20"):
        assert theirs[measure] == pytest.approx(found[measure], abs=1e-6)


def test_results_are_kept_and_told_apart(tmp_path: Path) -> None:
    dataset = pt.get_dataset("hb:mini")
    one = dense(dataset, tmp_path / "tiny.flex", TinyEncoder())
    chosen = EvaluationOptions(languages=("de", "en"), results=tmp_path / "results", name="one")
    first = evaluate(one, "mini", options=chosen)
    path = first.save(tmp_path / "results")
    again = evaluate(one, "mini", options=chosen)
    assert again.path == path
    assert Result.read(path).run_files
    other = evaluate(dense(dataset, tmp_path / "ngrams.flex", "char-ngrams"), "mini", options=chosen)
    assert other.path is None
    assert other.save(tmp_path / "results") != path
    scored = evaluate_run(path.with_suffix(".runs"), tmp_path)
    assert {(r.query_set, r.pool, r.measure): r.value for r in scored.rows if "@" in r.measure}.items() <= {
        (r.query_set, r.pool, r.measure): r.value for r in first.rows
    }.items()


def evaluate_run(runs: Path, folder: Path) -> Result:
    import subprocess
    import sys

    words = ["evaluate", "--run", str(runs), "--suite", "mini", "--languages", "de,en", "--name", "again", "--out", str(folder)]
    done = subprocess.run([sys.executable, "-m", "hybrid_bench", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Result.read(folder / "mini+de+en" / "again.json")


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (pd.DataFrame({"qid": ["1"], "query": ["x"]}), "gives no docno and no score"),
        (pd.DataFrame({"qid": ["en-1"], "docno": ["x"], "score": [1.0]}), "unknown query"),
    ],
)
def test_pipelines_that_do_not_search(found: pd.DataFrame, problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        evaluate(pt.apply.generic(lambda topics: found), "mini", options=options())


def test_an_index_of_other_passages_is_an_error() -> None:
    strange = pt.apply.generic(lambda topics: topics.assign(docno="en-none", score=1.0))
    with pytest.raises(HybridBenchError, match="found 'en-none', which is not a passage of mini"):
        evaluate(strange, "mini", options=options())


@pytest.mark.parametrize("given", [{"encoder": {"dtype": "bf16"}}, {"store": Path("x")}, {"check": True}, {"workers": 2}])
def test_options_without_an_effect_are_errors(given: dict[str, Any]) -> None:
    retriever = pt.apply.generic(lambda topics: topics.assign(docno="en-none", score=1.0).iloc[:0])
    with pytest.raises(HybridBenchError, match="has no effect"):
        evaluate(retriever, "mini", options=options(**given))
