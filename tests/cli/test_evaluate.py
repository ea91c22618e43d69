"""``hybrid-bench evaluate``, and the commands that read the files that it writes."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ir_datasets
import ir_measures
import pytest
from ir_measures import AP

import hybrid_bench
from hybrid_bench.encoders.load import REGISTRY
from tests.conftest import Cli
from tests.tiny_encoder import TinyEncoder

LANGUAGES = ("de", "en")
SETTINGS = [(asked, pool) for asked in LANGUAGES for pool in (*LANGUAGES, "all")]
EVALUATE = ("evaluate", "use-multilingual", "--languages", "de,en", "--store", "vectors")


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def rows_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(done.stdout)))


def scores(result: dict[str, Any], measure: str) -> dict[tuple[str, str], float]:
    rows = [row for row in result["rows"] if row["measure"] == measure]
    return {(row["query_set"], row["pool"]): row["value"] for row in rows}


def without_timings(file: Path) -> bytes:
    content, timings = re.subn(rb'"timings": \{[^}]*\}', b"", file.read_bytes())
    assert timings == 1
    return content


def qrels(asked: str, pool: str) -> list[Any]:
    every = ir_datasets.load(f"mini/{pool}/{asked}").qrels_iter()
    return [qrel for qrel in every if qrel.doc_id.startswith(LANGUAGES)]


def test_evaluate_writes_runs_ranks_and_a_result(cli: Cli, tmp_path: Path) -> None:
    hybrid_bench.register()
    first = cli(*EVALUATE, "--check", "--runs", "runs", "--out", "first")
    assert first.returncode == 0, first.stderr
    for word in ("use-multilingual on mini+de+en", "mono AP", "RankDistance", "Means over settings"):
        assert word in first.stdout
    assert "wrote 6 runs into runs" in first.stderr
    assert "wrote first/mini+de+en/use-multilingual.json" in first.stderr

    checked = re.search(r"checked through ir_measures: ([\d,]+) values in 6 settings; largest difference (\S+)", first.stderr)
    assert checked
    # 45 queries in 6 settings by 8 measures, and RankDistance in the 2 pools of all
    assert int(checked[1].replace(",", "")) == 45 * (6 * 8 + 2)
    assert float(checked[2].rstrip(",")) <= 1e-9

    file = tmp_path / "first" / "mini+de+en" / "use-multilingual.json"
    result = read(file)
    assert result["schema_version"] == 2
    assert result["suite"] == "mini+de+en"
    assert {row["queries"] for row in result["rows"]} == {45}
    found = scores(result, "AP")
    assert sorted(found) == sorted(SETTINGS)
    for asked, pool in SETTINGS:
        run = list(ir_measures.read_trec_run(str(tmp_path / "runs" / f"{asked}-{pool}.trec.gz")))
        assert len(run) == 45 * (150 if pool == "all" else 75)
        assert ir_measures.calc_aggregate([AP], qrels(asked, pool), run)[AP] == pytest.approx(found[asked, pool], abs=1e-9)

    second = cli(*EVALUATE, "--out", "second", "--format", "csv")
    again = tmp_path / "second" / "mini+de+en" / "use-multilingual.json"
    assert without_timings(again) == without_timings(file)
    ranks = "use-multilingual.ranks.tsv.gz"
    assert (again.parent / ranks).read_bytes() == (file.parent / ranks).read_bytes()

    rows = {row["query language"]: row for row in rows_of(second)}
    assert list(rows) == ["de", "en", "mean"]
    assert float(rows["de"]["cross AP"]) == found["de", "en"]
    assert float(rows["mean"]["multi AP"]) == pytest.approx((found["de", "all"] + found["en", "all"]) / 2)
    assert "wrote second/mini+de+en/use-multilingual.json" in second.stderr


@pytest.fixture(scope="module")
def workplace(cli_in: Callable[[Path], Cli], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of ``tiny`` on sentences, and on sentences with their paragraphs."""
    folder = tmp_path_factory.mktemp("workplace")
    for text in ("sentence", "sentence+context"):
        done = cli_in(folder)("evaluate", "tiny", "--languages", "de,en", "--passage-text", text, "--format", "json")
        assert done.returncode == 0, done.stderr
        assert [row["query language"] for row in json.loads(done.stdout)] == ["de", "en", "mean"]
    return folder


ALONE = "results/mini+de+en/tiny.json"
WITH_CONTEXT = "results/mini+de+en/tiny.sentence+context.json"


def test_the_name_of_a_result_states_what_differs_from_the_defaults(workplace: Path) -> None:
    found = {str(path.relative_to(workplace)) for path in workplace.rglob("*.json")}
    assert found == {ALONE, WITH_CONTEXT}


def test_a_result_is_shown_as_a_matrix_in_rows_and_with_its_provenance(here: Cli, workplace: Path) -> None:
    record = read(workplace / ALONE)
    show = ("results", "show", workplace / ALONE)
    table = {row["query_set"]: row for row in rows_of(here(*show, "--matrix", "AP", "--format", "csv"))}
    assert {(asked, pool): float(table[asked][pool]) for asked, pool in SETTINGS} == scores(record, "AP")

    long = rows_of(here(*show, "--long", "--format", "csv"))
    assert [row | {"value": float(row["value"]), "queries": int(row["queries"])} for row in long] == record["rows"]

    assert json.loads(here(*show, "--provenance").stdout) == record["provenance"]
    assert record["provenance"]["command"].startswith("hybrid-bench evaluate tiny --suite mini ")

    unknown = here(*show, "--matrix", "MAP")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("error: the result has no measure 'MAP'\n  It has: AP, AP@20, ")


def test_notes_are_printed_to_standard_error(here: Cli, workplace: Path) -> None:
    notes = read(workplace / ALONE)["notes"]
    assert "PEER is degenerate here" in notes[0]
    assert here("results", "show", workplace / ALONE).stderr == "".join(f"note: {note}\n" for note in notes)


def test_two_results_are_compared(here: Cli, workplace: Path) -> None:
    one, other = (scores(read(workplace / file), "AP") for file in (ALONE, WITH_CONTEXT))
    compared = rows_of(here("compare", workplace / ALONE, workplace / WITH_CONTEXT, "--format", "csv"))
    (row,) = (row for row in compared if (row["setting"], row["measure"]) == ("monolingual", "AP"))
    assert float(row["a"]) == pytest.approx((one["de", "de"] + one["en", "en"]) / 2)
    assert float(row["b"]) == pytest.approx((other["de", "de"] + other["en", "en"]) / 2)
    assert float(row["difference"]) == pytest.approx(float(row["b"]) - float(row["a"]))
    assert 0 <= float(row["p_randomisation"]) <= 1
    assert int(row["queries"]) == 45, "a question and its translation are one observation"


def test_the_recorded_command_makes_the_same_result(here: Cli, tmp_path: Path, workplace: Path) -> None:
    program, *words = shlex.split(read(workplace / WITH_CONTEXT)["provenance"]["command"])
    assert program == "hybrid-bench"
    assert here(*words).returncode == 0
    assert without_timings(tmp_path / WITH_CONTEXT) == without_timings(workplace / WITH_CONTEXT)


def test_runs_can_be_chosen_and_cut(here: Cli, tmp_path: Path) -> None:
    chosen = ("--runs", "runs", "--run-settings", "cross-lingual,en:all", "--run-depth", "7")
    done = here("evaluate", "tiny", "--languages", "de,en", *chosen)
    assert done.returncode == 0, done.stderr
    written = ["de-en.trec.gz", "en-all.trec.gz", "en-de.trec.gz"]
    assert sorted(file.name for file in (tmp_path / "runs").iterdir()) == written
    assert len(list(ir_measures.read_trec_run(str(tmp_path / "runs" / "en-all.trec.gz")))) == 45 * 7


def test_a_local_folder_is_evaluated_like_a_suite(here: Cli, tmp_path: Path, shared: Path) -> None:
    folder = shared / "collections" / "miracl-judged" / "yo"
    done = here("evaluate", "tiny", "--suite", folder, "--measures", "nDCG@10 R@100")
    assert done.returncode == 0, done.stderr
    result = read(tmp_path / "results" / "yo" / "tiny.json")
    assert [(row["setting"], row["measure"]) for row in result["rows"]] == [
        ("monolingual", "nDCG@10"), ("monolingual", "R@100"),
    ]  # fmt: skip
    assert result["primary"] == "nDCG@10"
    assert result["rows"][0]["queries"] == len((folder / "queries.jsonl").read_text(encoding="utf-8").splitlines())


def test_two_encoders_of_one_name_have_two_rows_two_files_and_two_folders_of_runs(
    here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, dimension in (("A", 64), ("B", 32)):
        monkeypatch.setitem(REGISTRY._added, f"{folder}/tiny", functools.partial(TinyEncoder, dimension=dimension))
    both = ("evaluate", "A/tiny", "B/tiny", "--languages", "de,en", "--runs", "runs")
    done = here(*both)
    assert done.returncode == 0, done.stderr
    first, second = sorted((tmp_path / "results" / "mini+de+en").glob("*.json"), key=lambda path: len(path.name))
    assert (first.name, second.name) == ("tiny.json", f"tiny.{read(second)['provenance']['identity'][:8]}.json")
    assert scores(read(first), "AP") != scores(read(second), "AP")
    assert f"{first.relative_to(tmp_path)} is kept: it is of other weights" in done.stderr
    table = rows_of(here(*both, "--format", "csv"))
    assert [row["encoder"] for row in table] == ["tiny", second.name.removesuffix(".json")]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()) == ["A__tiny", "B__tiny"]
    runs = [ir_measures.read_trec_run(str(tmp_path / "runs" / name / "de-de.trec.gz")) for name in ("A__tiny", "B__tiny")]
    assert list(runs[0]) != list(runs[1])

    again = here(*both[:-2], "--overwrite")
    assert again.returncode == 0, again.stderr
    assert {path.name for path in first.parent.glob("*.json")} == {first.name, second.name}
    assert here("evaluate", "A/tiny", "--languages", "de,en").stderr.endswith("--overwrite computes it again\n")
    assert here(*both[:-2], "--name", "x").stderr.startswith("error: --name x is the name of one encoder")
