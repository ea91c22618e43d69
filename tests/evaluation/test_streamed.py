"""Streamed evaluations against the grid's: the same vectors, other ways to search and to score."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import ir_datasets
import ir_measures
import pytest

from hybrid_bench import HybridBenchError, Result, Suite, evaluate, load_suite
from hybrid_bench.datasets.sources import beir_folder
from hybrid_bench.evaluation.runs import NO_DISTANCE
from hybrid_bench.evaluation.stored import search_store
from hybrid_bench.evaluation.streamed import Streaming
from hybrid_bench.measures.scores import ONE_LANGUAGE_ALONE
from tests.conftest import Cli
from tests.evaluation.test_evaluate import WholeNumbers

LANGUAGES = ("de", "en", "th")


@pytest.fixture(scope="module")
def streamed_mini() -> Suite:
    return dataclasses.replace(load_suite("mini"), streamed=True)


def values(result: Result) -> dict[tuple[str, str, str], float]:
    return {(row.query_language, row.pool, row.measure): row.value for row in result.rows}


@pytest.fixture(scope="module")
def result(streamed_mini: Suite, tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("streamed")
    return evaluate(
        WholeNumbers(), streamed_mini, languages=LANGUAGES, streaming=Streaming(store=folder), runs=folder / "results"
    )


def test_every_setting_has_the_values_of_the_grid(result: Result) -> None:
    """Whole numbers up to 2,048 are exact as half floats, so that even the ties are the same."""
    grid = evaluate(WholeNumbers(), "mini", languages=LANGUAGES, measures=["nDCG@10", "R@100"])
    expected = {key: value for key, value in values(grid).items() if key[2] in ("nDCG@10", "R@100", "SameLanguage@20")}
    assert len(expected) == 3 * 4 * 2 + 3
    assert values(result) == pytest.approx(expected, abs=1e-9)


def test_why_there_is_no_rank_distance_is_said(result: Result, tmp_path: Path, shared: Path) -> None:
    assert NO_DISTANCE in result.notes
    for language in ("sw", "yo"):
        (tmp_path / "pool" / language).parent.mkdir(exist_ok=True)
        (tmp_path / "pool" / language).symlink_to(shared / "collections" / "miracl-judged" / language)
    pool = dataclasses.replace(beir_folder.load(tmp_path / "pool"), streamed=True)
    one_language = evaluate(WholeNumbers(), pool, streaming=Streaming(store=tmp_path / "store"))
    assert ONE_LANGUAGE_ALONE in one_language.notes
    assert not any(row.measure == "RankDistance" for row in one_language.rows)
    assert {(row.query_language, row.pool) for row in one_language.rows} == {
        ("sw", "sw"), ("sw", "all"), ("yo", "yo"), ("yo", "all"),
    }  # fmt: skip


def test_a_second_evaluation_has_the_same_bytes(result: Result, streamed_mini: Suite, tmp_path: Path) -> None:
    again = evaluate(
        WholeNumbers(),
        streamed_mini,
        languages=LANGUAGES,
        streaming=Streaming(store=tmp_path, workers=1),
        runs=tmp_path / "results",
    )
    assert again.model_copy(update={"timings": {}}).to_json() == result.model_copy(update={"timings": {}}).to_json()
    assert len(again.runs) == 12


def test_a_store_is_searched_without_the_passages_and_only_by_its_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed_mini: Suite
) -> None:
    from hybrid_bench.encoders.load import REGISTRY

    monkeypatch.setitem(REGISTRY._added, "whole-numbers", lambda dtype="fp32", device="cpu": WholeNumbers())
    monkeypatch.setitem(REGISTRY._added, "narrower", lambda dtype="fp32", device="cpu": WholeNumbers(16))
    suite = streamed_mini.restrict(("de", "en"))
    evaluated = evaluate("whole-numbers", suite, streaming=Streaming(store=tmp_path))
    (store,) = (tmp_path / "mini").iterdir()

    def unread(language: str) -> list[object]:
        raise AssertionError(f"the passages of {language} were read")

    without_passages = dataclasses.replace(suite, docs=unread)
    assert values(search_store(store, without_passages, Streaming())) == values(evaluated)
    flat = search_store(store, without_passages, Streaming(depth=50), index="flat")
    assert flat.name == "whole-numbers.flat"
    assert "flat on de finds, of what the exact search finds, 1.0000 of the first 10." in flat.notes
    with pytest.raises(HybridBenchError, match="are of another encoder: fingerprint 'whole-numbers-32', not 'whole-numbers-16'"):
        search_store(store, without_passages, Streaming(), encoder="narrower")
    with pytest.raises(HybridBenchError, match="holds no complete collection"):
        search_store(store, streamed_mini, Streaming())


def test_miracl_yoruba_is_streamed_whole_by_one_command(cli: Cli, tmp_path: Path, shared: Path) -> None:
    """49,043 passages; the run is scored again by ir_measures from its file."""
    done = cli("evaluate", "tiny", "--suite", "miracl/yo/dev", "--store", "store")
    assert done.returncode == 0, done.stderr
    run = tmp_path / "results" / "miracl__yo__dev" / "tiny.runs" / "yo-yo.trec.gz"
    import gzip

    with gzip.open(run, "rt") as lines:
        text = lines.read()
    assert text.count("\n") == 119 * 1000
    measures = [ir_measures.nDCG @ 10, ir_measures.R @ 100]
    scored = ir_measures.calc_aggregate(measures, ir_datasets.load("miracl/yo/dev").qrels_iter(), ir_measures.read_trec_run(text))
    found = Result.read(tmp_path / "results" / "miracl__yo__dev" / "tiny.json")
    assert {row.measure: row.value for row in found.rows} == pytest.approx({str(m): v for m, v in scored.items()}, abs=1e-9)
    refused = cli("evaluate", "tiny", "--suite", "miracl/yo/dev", "--store", "store", "--check")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2, "error: miracl/yo/dev is streamed: its scores are ir_measures' own",
    )  # fmt: skip
