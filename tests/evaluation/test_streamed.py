"""Large suites, searched to a depth and scored from runs, against the exact evaluation of the same suite."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import ir_datasets
import ir_measures
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, Suite, evaluate, load_suite
from hybrid_bench.datasets.sources import beir_folder
from hybrid_bench.encoders.load import REGISTRY
from hybrid_bench.evaluation.bias_of_runs import NO_DISTANCE
from hybrid_bench.evaluation.stored import search_store
from hybrid_bench.measures.bias_scores import ONE_GROUP_ALONE
from tests.conftest import Cli
from tests.evaluation.test_evaluate import WholeNumbers

LANGUAGES = ("de", "en", "th")


@pytest.fixture(scope="module")
def large_mini() -> Suite:
    return dataclasses.replace(load_suite("mini"), large=True)


def values(result: Result) -> dict[tuple[str, str, str], float]:
    return {(row.query_set, row.pool, row.measure): row.value for row in result.rows}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("large")


@pytest.fixture(scope="module")
def result(large_mini: Suite, folder: Path) -> Result:
    options = EvaluationOptions(languages=LANGUAGES, store=folder / "store", results=folder / "results")
    return evaluate(WholeNumbers(), large_mini, options=options)


def test_every_setting_has_the_values_of_the_exact_evaluation(result: Result) -> None:
    """Whole numbers up to 2,048 are exact in fp16, so that even the ties are the same."""
    exact = evaluate(WholeNumbers(), "mini", options=EvaluationOptions(languages=LANGUAGES, measures=("nDCG@10", "R@100")))
    expected = {key: value for key, value in values(exact).items() if key[2] in ("nDCG@10", "R@100", "SameLanguage@20")}
    assert len(expected) == 3 * 4 * 2 + 3
    assert values(result) == pytest.approx(expected, abs=1e-9)
    assert (result.suite, result.settings) == (exact.suite, exact.settings)
    assert result.provenance.passages == exact.provenance.passages
    assert result.provenance.queries == exact.provenance.queries


def test_depth_and_storage_are_data(result: Result) -> None:
    assert (result.provenance.depth, result.provenance.storage) == (1000, "fp16")
    assert not result.has_ranks
    assert not any("fp16" in note or "passages a query" in note for note in result.notes)


def test_the_note_says_why_there_is_no_rank_distance(result: Result, tmp_path: Path, shared: Path) -> None:
    assert NO_DISTANCE in result.notes
    for language in ("sw", "yo"):
        (tmp_path / "pool" / language).parent.mkdir(exist_ok=True)
        (tmp_path / "pool" / language).symlink_to(shared / "collections" / "miracl-judged" / language)
    pool = dataclasses.replace(beir_folder.load(tmp_path / "pool"), large=True)
    one_language = evaluate(WholeNumbers(), pool, options=EvaluationOptions(store=tmp_path / "store"))
    assert ONE_GROUP_ALONE.format(group="language") in one_language.notes
    assert not any(row.measure == "RankDistance" for row in one_language.rows)
    assert {(row.query_set, row.pool) for row in one_language.rows} == {
        ("sw", "sw"), ("sw", "all"), ("yo", "yo"), ("yo", "all"),
    }  # fmt: skip


def test_a_second_evaluation_has_the_same_bytes(result: Result, large_mini: Suite, tmp_path: Path) -> None:
    options = EvaluationOptions(languages=LANGUAGES, store=tmp_path, workers=1, results=tmp_path / "results")
    again = evaluate(WholeNumbers(), large_mini, options=options)
    assert again.model_copy(update={"timings": {}}).to_json() == result.model_copy(update={"timings": {}}).to_json()
    assert len(again.runs) == 12


class InBf16(WholeNumbers):
    """The same vectors, stated to be computed in bf16."""

    dtype = "bf16"


def test_results_of_two_dtypes_find_their_own_runs(result: Result, large_mini: Suite, folder: Path) -> None:
    """fp32 and bf16 share neither the result's file nor the folder of runs."""
    options = EvaluationOptions(languages=LANGUAGES, store=folder / "store", results=folder / "results", depth=5)
    other = evaluate(InBf16(), large_mini, options=options)
    read = {dtype: Result.read(one.save(folder / "results")) for dtype, one in (("fp32", result), ("bf16", other))}
    assert {dtype: one.stem for dtype, one in read.items()} == {"fp32": "whole-numbers", "bf16": "whole-numbers.bf16"}
    for one in read.values():
        assert len(one.run_files) == 12
        assert one.damaged_runs() == []
    folders = {dtype: {file.parent.name for file in one.run_files.values()} for dtype, one in read.items()}
    assert folders == {"fp32": {"whole-numbers.runs"}, "bf16": {"whole-numbers.bf16.runs"}}


@pytest.fixture
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoders ``whole-numbers`` and ``narrower``."""
    monkeypatch.setitem(REGISTRY._added, "whole-numbers", lambda dtype="fp32", device="cpu": WholeNumbers())
    monkeypatch.setitem(REGISTRY._added, "narrower", lambda dtype="fp32", device="cpu": WholeNumbers(16))


@pytest.mark.usefixtures("_registered")
def test_a_store_is_searched_without_the_passages_and_only_with_its_encoder(tmp_path: Path, large_mini: Suite) -> None:
    suite = large_mini.restrict(("de", "en"))
    evaluated = evaluate("whole-numbers", suite, options=EvaluationOptions(store=tmp_path))
    (store,) = (tmp_path / "mini").iterdir()

    def unread() -> list[object]:
        raise AssertionError("passages were read")

    def without_passages(suite: Suite) -> Suite:
        collections = tuple(dataclasses.replace(of, passages=unread) for of in suite.collections)
        return dataclasses.replace(suite, collections=collections, prefixed=True)  # so that ids tell their collection

    assert values(search_store(suite, EvaluationOptions(), store=store)) == values(evaluated)
    flat = search_store(suite, EvaluationOptions(depth=50), store=store, index="flat")
    assert flat.name == "whole-numbers.flat"
    assert "flat on de finds, of what the exact search finds, 1.0000 of the first 10." in flat.notes
    monolingual = dataclasses.replace(suite, pools={}, settings=tuple(s for s in suite.settings if s.pool != "all"))
    alone = search_store(without_passages(monolingual), EvaluationOptions(), store=store)
    assert values(alone).keys() == {key for key in values(evaluated) if key[1] != "all"}
    with pytest.raises(HybridBenchError, match="are of another encoder: fingerprint 'whole-numbers-32', not 'whole-numbers-16'"):
        search_store(suite, EvaluationOptions(), store=store, encoder="narrower")
    with pytest.raises(HybridBenchError, match="holds no complete collection"):
        search_store(large_mini, EvaluationOptions(), store=store)
    with pytest.raises(HybridBenchError, match="there is no folder nowhere"):
        search_store(large_mini, EvaluationOptions(), store=Path("nowhere"))


@pytest.mark.usefixtures("_registered")
@pytest.mark.parametrize(
    ("options", "index", "problem"),
    [
        (EvaluationOptions(storage="fp32"), "exact", "the option storage has no effect on a store, which states its own"),
        (EvaluationOptions(passage_text="sentence+context"), "exact", "the option passage_text has no effect on a store"),
        (EvaluationOptions(store=Path("other")), "exact", "the option store has no effect on a store"),
        (EvaluationOptions(check=True), "exact", "the option check has no effect: mini is searched to a depth"),
        (EvaluationOptions(), "hsnw", "unknown index 'hsnw'"),
    ],
)
def test_options_without_effect_on_a_store_are_refused(options: EvaluationOptions, index: str, problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        search_store(load_suite("mini"), options, store=Path("no-such-store"), index=index)


@pytest.mark.usefixtures("shared")
def test_one_command_evaluates_all_of_miracl_yoruba(cli: Cli, tmp_path: Path) -> None:
    """49,043 passages; ir_measures scores the run from its file."""
    done = cli("evaluate", "tiny", "--suite", "miracl/yo/dev", "--store", "store")
    assert done.returncode == 0, done.stderr
    run = tmp_path / "results" / "miracl__yo__dev" / "tiny.runs" / "yo-yo.trec.gz"
    with gzip.open(run, "rt") as lines:
        text = lines.read()
    assert text.count("\n") == 119 * 1000
    measures = [ir_measures.nDCG @ 10, ir_measures.R @ 100]
    scored = ir_measures.calc_aggregate(measures, ir_datasets.load("miracl/yo/dev").qrels_iter(), ir_measures.read_trec_run(text))
    found = Result.read(tmp_path / "results" / "miracl__yo__dev" / "tiny.json")
    assert {row.measure: row.value for row in found.rows} == pytest.approx({str(m): v for m, v in scored.items()}, abs=1e-9)
    refused = cli("evaluate", "tiny", "--suite", "miracl/yo/dev", "--store", "store", "--check")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2,
        "error: the option check has no effect: miracl/yo/dev is searched to a depth, and its runs are scored by ir_measures",
    )  # fmt: skip
