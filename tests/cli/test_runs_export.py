"""``runs export``: plain text that trec_eval and ir_measures read; other toolkits are in tests/plugins/beir."""

from __future__ import annotations

from pathlib import Path

import ir_measures
import pytest
import pytrec_eval

from hybrid_bench import Result
from hybrid_bench.plugin import register_datasets
from hybrid_bench.results import runs
from tests.conftest import Cli


@pytest.fixture
def folder(here: Cli, tmp_path: Path) -> Path:
    done = here("evaluate", "tiny", "--runs", "made", "--run-settings", "en:all,de:de", "--run-depth", "30")
    assert done.returncode == 0, done.stderr
    return tmp_path / "made"


def test_trec_eval_reads_an_exported_run_and_scores_it_as_the_result(here: Cli, tmp_path: Path, folder: Path) -> None:
    done = here("runs", "export", "made", "out")
    assert (done.returncode, done.stdout) == (0, "")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["de-de.trec", "en-all.trec"]
    assert here("results", "import", "made", "--name", "m", "--measures", "nDCG@10 AP@30").returncode == 0
    expected = {row.measure: row.value for row in Result.read(tmp_path / "results/mini/m.json").rows if row.pool == "all"}

    import ir_datasets

    register_datasets()
    qrels: dict[str, dict[str, int]] = {}
    for qrel in ir_datasets.load("mini/all/en").qrels_iter():
        qrels.setdefault(qrel.query_id, {})[qrel.doc_id] = qrel.relevance
    with (tmp_path / "out" / "en-all.trec").open() as file:
        run = pytrec_eval.parse_run(file)
    scores = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "map_cut.30"}).evaluate(run)
    for measure, key in (("nDCG@10", "ndcg_cut_10"), ("AP@30", "map_cut_30")):
        mean = sum(of_query[key] for of_query in scores.values()) / len(qrels)
        assert mean == pytest.approx(expected[measure])
    by_name = ir_measures.calc_aggregate(
        [ir_measures.nDCG @ 10], qrels, ir_measures.read_trec_run(str(tmp_path / "out/en-all.trec"))
    )
    assert by_name[ir_measures.nDCG @ 10] == pytest.approx(expected["nDCG@10"])


def test_an_exported_run_is_the_same_run(here: Cli, tmp_path: Path, folder: Path) -> None:
    assert here("results", "import", "made", "--name", "my model").returncode == 0
    for source in ("made/en-all.trec.gz", "made", "results/mini/my model.json"):
        assert here("runs", "export", source, "out", "--overwrite").returncode == 0
        text = (tmp_path / "out" / "en-all.trec").read_text()
        assert runs.read(tmp_path / "out" / "en-all.trec") == runs.read(folder / "en-all.trec.gz")
        assert all(len(line.split(" ")) == 6 for line in text.splitlines())
    assert text.splitlines()[0].endswith(" my_model")
    assert here("runs", "export", "out/en-all.trec", "again").returncode == 0
    assert runs.read(tmp_path / "again" / "en-all.trec") == runs.read(folder / "en-all.trec.gz")


def test_what_cannot_be_exported_is_explained(here: Cli, tmp_path: Path, folder: Path) -> None:
    assert here("evaluate", "tiny", "--measures", "AP").returncode == 0
    assert here("runs", "export", "made", "out").returncode == 0
    for words, problem in (
        (("made", "out"), "out/de-de.trec is there already\n  Choose another folder"),
        (("results/mini/tiny.json", "other"), "results/mini/tiny.json has no runs\n  Write runs with"),
        (("results", "other"), "results holds no runs"),
        (("nowhere", "other"), "nowhere"),
    ):
        done = here("runs", "export", *words)
        assert done.returncode == 2
        assert problem in done.stderr
        assert "Traceback" not in done.stderr


def test_a_run_that_does_not_exist_is_named(here: Cli) -> None:
    done = here("runs", "export", "nothing", "out")
    assert done.returncode == 2
    assert "there is no nothing" in done.stderr
