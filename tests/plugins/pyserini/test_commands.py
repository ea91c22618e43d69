"""End-to-end tests of the commands baseline, fuse and reproduce."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command

from hybrid_bench import HybridBenchError, Result
from hybrid_bench.evaluation.fusion_inputs import results_among
from hybrid_bench.plugin import RunOptions
from hybrid_bench.results import runs
from hybrid_bench.retrieval.fusion import fuse
from hybrid_bench_pyserini import evaluate_bm25
from hybrid_bench_pyserini.commands import REPRODUCIBLE_OPTIONS, baseline
from hybrid_bench_pyserini.dense import import_pyserini


def hybrid_bench(*words: str | Path, folder: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hybrid_bench", *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a BM25 result and runs of an encoder on three languages of mini."""
    folder = tmp_path_factory.mktemp("work")
    languages = ["--suite", "mini", "--languages", "de,en,es"]
    hybrid_bench("baseline", "bm25", *languages, "--settings", "monolingual", folder=folder)
    hybrid_bench(
        "evaluate", "use-multilingual", *languages, "--runs", "use.runs", "--run-settings", "monolingual", folder=folder
    )  # fmt: skip
    return folder


@pytest.fixture
def result(folder: Path) -> Path:
    return folder / "results" / "mini+de+en+es" / "bm25.json"


def test_a_result_is_reproduced_and_compared(folder: Path, result: Path) -> None:
    before = Result.read(result)
    assert "the same: " in hybrid_bench("reproduce", result, folder=folder).stdout
    fields = json.loads(result.read_text())
    fields["rows"][0]["value"] += 0.1
    changed = result.with_name("changed.json")
    changed.write_text(json.dumps(fields))
    printed = hybrid_bench("reproduce", changed, folder=folder, status=1).stdout
    assert f"de de {before.rows[0].measure}: {before.rows[0].value + 0.1:.6f} (" in printed
    changed.unlink()


def test_a_truncated_run_is_detected_and_restored(folder: Path, result: Path) -> None:
    run = result.parent / "bm25.runs" / "de-de.trec.gz"
    whole = run.read_bytes()
    run.write_bytes(whole[: len(whole) // 2])
    printed = hybrid_bench("fuse", result, "use.runs", "--runs-out", "no", folder=folder, status=2).stderr
    assert "is missing, truncated or a different run" in printed
    assert "hybrid-bench reproduce" in printed
    printed = hybrid_bench("reproduce", result, folder=folder).stderr
    assert "is missing, truncated or a different run; it will be restored if it is reproduced" in printed
    assert run.read_bytes() == whole


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("rm -rf /", "is not reproducible"),
        ("hybrid-bench results show x", "is not reproducible"),
        ("hybrid-bench evaluate x/y --trust-remote-code", "not accepted from a file"),
        ("hybrid-bench evaluate mini --out=/tmp", "not accepted from a file"),
        ("hybrid-bench evaluate 'x", "is not reproducible"),
        ("hybrid-bench baseline bm25 --suite mini --index /tmp", "not accepted from a file"),
        ("hybrid-bench baseline bm25 --suite mini --threads 1000", "not accepted from a file"),
        ("hybrid-bench pyserini topics /tmp/topics.json", "is not reproducible"),
    ],
)
def test_only_reproducible_commands_of_a_result_are_run(
    folder: Path, result: Path, command: str, problem: str, tmp_path: Path
) -> None:
    fields = json.loads(result.read_text())
    fields["provenance"]["command"] = command
    (tmp_path / "bad.json").write_text(json.dumps(fields))
    assert problem in hybrid_bench("reproduce", tmp_path / "bad.json", folder=folder, status=2).stderr


def test_options_that_a_result_may_set_are_options_of_the_baselines() -> None:
    """All but those that have no effect on scores, or that name a folder."""
    commands = get_command(baseline).commands.values()  # type: ignore[attr-defined]
    existing = {
        option for command in commands for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert existing - set(REPRODUCIBLE_OPTIONS) == {
        "--index", "--threads", "--against", "--out", "--format", "--overwrite", "--strict",
    }  # fmt: skip
    assert set(REPRODUCIBLE_OPTIONS) <= existing


def test_a_command_that_fails_is_an_error(folder: Path, result: Path, tmp_path: Path) -> None:
    fields = json.loads(result.read_text())
    for command, problem in (
        ("hybrid-bench baseline bm25 --suite mini --languages xx", "ended with status 2"),
        ("hybrid-bench baseline bm25 --suite no-such-suite", "the suite 'no-such-suite' of the result is unknown"),
    ):
        fields["provenance"]["command"] = command
        (tmp_path / "bad.json").write_text(json.dumps(fields))
        assert problem in hybrid_bench("reproduce", tmp_path / "bad.json", folder=folder, status=2).stderr


def test_a_fusion_is_scored_and_reproduced(folder: Path, result: Path) -> None:
    options = ["--method", "interpolation", "--normalisation", "z-score", "--weights", ".3,.7", "--name", "both"]
    hybrid_bench("fuse", result, "use.runs", "--suite", "mini", *options, folder=folder)
    fused = Result.read(folder / "results" / "mini" / "both.json")
    assert fused.encoder["normalisation"] == "z-score"
    assert fused.encoder["weights"] == [0.3, 0.7]
    assert len([row for row in fused.rows if row.measure == "AP"]) == 3
    assert "the same" in hybrid_bench("reproduce", folder / "results" / "mini" / "both.json", folder=folder).stdout


def test_bm25_is_compared_with_an_encoder_on_their_common_settings(folder: Path, result: Path) -> None:
    encoder = result.with_name("use-multilingual.json")
    printed = hybrid_bench("compare", result, encoder, "--format", "json", folder=folder).stdout
    (row,) = json.loads(printed)
    assert (row["setting"], row["measure"], row["queries"]) == ("monolingual", "AP", 45)
    for side, path in (("a", result), ("b", encoder)):
        scores = Result.read(path).scores.query("setting == 'monolingual' and measure == 'AP'")["value"]
        assert row[side] == pytest.approx(scores.mean(), abs=1e-9)


def test_a_local_collection_is_found_by_its_relative_path_or_by_option(
    folder: Path, collection: Callable[..., Path], tmp_path: Path
) -> None:
    collection("en", {"p1": "The river rose.", "p2": "The town paid."}, {"q1": "rivers"})
    hybrid_bench("baseline", "bm25", "--suite", "./en", "--measures", "AP", folder=tmp_path)
    relative = tmp_path / "results" / "en" / "bm25.json"
    assert "the same: 1 scores" in hybrid_bench("reproduce", relative, folder=tmp_path).stdout
    absolute = evaluate_bm25(str(tmp_path / "en"), runs=RunOptions(["AP"])).save(tmp_path / "absolute")
    assert str(tmp_path) not in absolute.read_text()
    assert "name its folder with --suite" in hybrid_bench("reproduce", absolute, folder=folder, status=2).stderr
    collection("other/en", {"p1": "The river rose.", "p2": "The town pays."}, {"q1": "rivers"})
    printed = hybrid_bench("reproduce", absolute, "--suite", tmp_path / "other" / "en", folder=folder, status=1).stdout
    assert "the passages are not the same texts" in printed


def test_runs_of_other_data_are_not_fused(folder: Path, result: Path, tmp_path: Path) -> None:
    changed = {}
    for part in ("queries", "passages"):
        fields = json.loads(result.read_text())
        fields["provenance"][part]["de"] = "0" * 64
        changed[part] = result.with_name(f"{part}.json")
        changed[part].write_text(json.dumps(fields | {"runs": []}))
    runs_of = {language: folder / "use.runs" / f"{language}-{language}.trec.gz" for language in ("de", "en")}
    fewer = tmp_path / "fewer.runs"
    fewer.mkdir()
    (fewer / "de-de.trec.gz").write_bytes(runs_of["en"].read_bytes())
    for words, problem in (
        ([*runs_of.values(), "--runs-out", "x"], "have no passage in common: they are of different collections"),
        ([fewer, "use.runs", "--runs-out", "x"], "have no passage in common"),
        ([fewer, "use.runs", "--suite", "mini"], "has the passage 'en-"),
        ([result, "use.runs", "--suite", "xquad-r"], "was scored on other queries in de than xquad-r has"),
        (["use.runs", "use.runs", "--suite", "xquad-r"], "which is not among the suite's queries in de"),
    ):
        assert problem in hybrid_bench("fuse", *words, folder=folder, status=2).stderr
    for part, path in changed.items():
        with pytest.raises(HybridBenchError, match=f"are of different {part} in de"):
            results_among([result, path])
        path.unlink()


@pytest.mark.parametrize("method", ["rrf", "interpolation", "normalize"])
def test_fusion_equals_that_of_pyserini(folder: Path, result: Path, method: str, tmp_path: Path) -> None:
    pyserini, trec = import_pyserini("pyserini.fusion"), import_pyserini("pyserini.trectools")
    files = [result.parent / "bm25.runs" / "en-en.trec.gz", folder / "use.runs" / "en-en.trec.gz"]
    ours = [runs.read(file) for file in files]
    theirs = []
    for number, run in enumerate(ours):
        runs.write(run, tmp_path / "packed", "x")
        (tmp_path / str(number)).write_bytes(gzip.decompress((tmp_path / "packed").read_bytes()))
        theirs.append(trec.TrecRun(str(tmp_path / str(number))))
    if method == "rrf":
        expected, found = pyserini.reciprocal_rank_fusion(theirs), fuse(ours, "rrf", depth=None)
    elif method == "interpolation":
        expected, found = pyserini.interpolation(theirs, alpha=0.5), fuse(ours, "interpolation", depth=None)
    else:  # Pyserini sums, Hybrid Bench averages
        expected, found = (
            pyserini.normalize(theirs),
            fuse(ours, "interpolation", normalisation="min-max", weights=[1, 1], depth=None),
        )
    frame = expected.run_data
    table = {(row.topic, row.docid): row.score for row in frame.itertuples()}
    assert {(q, hit.doc_id): pytest.approx(hit.score, abs=1e-6) for q, hits in found.items() for hit in hits} == table


def test_bad_options_are_clear_errors(folder: Path, result: Path) -> None:
    for words, problem in (
        (["fuse", result, "use.runs", "--method", "borda", "--runs-out", "x"], "unknown fusion method 'borda'"),
        (["fuse", result, "use.runs", "--normalisation", "max", "--method", "interpolation", "--runs-out", "x"], "normalisation"),
        (["fuse", result, "--runs-out", "x"], "two runs or more"),
        (["fuse", result, "use.runs"], "the fusion has no output"),
        (["baseline", "bm25", "--suite", "minni"], "Did you mean mini?"),
        (["baseline", "bm25", "--against", "rumour"], "unknown comparison 'rumour'"),
        (["baseline", "bm25", "--settings", "sideways"], "unknown setting 'sideways'"),
        (["pyserini", "topics", "x.tsv"], "does not end in .json"),
    ):
        assert problem in hybrid_bench(*words, folder=folder, status=2).stderr
