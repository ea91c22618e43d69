"""Submissions on suites of domains, of parallel sentences, without a pool of all, and of BEIR; and the board of BEIR's sets."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import pytest

from hybrid_bench import EvaluationOptions, evaluate
from hybrid_bench.datasets.parallel_suites import FLORES200
from hybrid_bench.datasets.resolvers import SUITES, load_suite
from hybrid_bench.leaderboard import board, specs
from hybrid_bench.leaderboard.entry import Entry, entry_of
from hybrid_bench.submissions import checking, checksums, packing
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.rescoring import mean_scores, rescore
from tests.tiny_encoder import TinyEncoder

CARD = """description = "letters"\nlicence = "MIT"\ntraining_data = "none"\nbatch_strategy = "none"\nhardware = "1 CPU core"
contact = "the tests of Hybrid Bench"\nparameters = 0\n[trained_on]\n"""


def packed(suite: str, root: Path) -> packing.Packed:
    card = root / "card.toml"
    card.write_text(f'{CARD}"{suite}" = "untrained"\n', encoding="utf-8")
    encoder = TinyEncoder(dimension=32)
    return packing.pack(
        encoder, [suite], root / "submissions", org="org", card=card, vectors_out=root / "vectors", store=root / "store"
    )


def edited(folder: Path, suite: str, column: int, value: str) -> list[str]:
    """The findings after a cell of the first line of a rank table is changed."""
    path = folder / f"{suite}.ranks.tsv.gz"
    head, first, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    cells = first.split("\t")
    cells[column] = value
    path.write_bytes(gzip.compress("\n".join([head, "\t".join(cells), *lines, ""]).encode(), mtime=0))
    checksums.seal(folder)
    return [finding.message for finding in checking.check(folder) if finding.severity == "error"]


def test_a_suite_of_domains_counts_passages_of_the_domain(shared: Path, tmp_path: Path) -> None:
    done = packed("squadshifts", tmp_path)
    (part,) = done.suites
    assert part.table.attribute == "domain"
    checked = checking.run(done.folder, vectors=[path for path in [done.suites[0].vectors] if path])
    assert [finding.message for finding in checked.findings] == []
    assert set(checked.attested) == {"squadshifts"}
    evaluated = evaluate(TinyEncoder(dimension=32), "squadshifts", options=EvaluationOptions(store=tmp_path / "store"))
    before, after = mean_scores(evaluated), mean_scores(rescore(done.folder).results["squadshifts"])
    assert after.keys() == before.keys() and "all-domain SameDomain@20" in after
    assert after == pytest.approx(before, rel=2e-3, abs=2e-3)
    assert any("same20 contradicts the ranks" in error for error in edited(done.folder, "squadshifts", 2, "21"))


def test_a_suite_that_drops_the_querys_own_line(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert suite_data.known("flores200")
    few = dataclasses.replace(FLORES200.restrict(["en", "sw", "yo"]), name="three", base="", all_collections=("en", "sw", "yo"))
    monkeypatch.setitem(SUITES._added, "three", few)
    done = packed("three", tmp_path)
    checked = checking.run(done.folder, vectors=[path for path in [done.suites[0].vectors] if path])
    assert [finding.message for finding in checked.findings] == []
    evaluated = evaluate(TinyEncoder(dimension=32), few, options=EvaluationOptions(store=tmp_path / "store"))
    before, after = mean_scores(evaluated), mean_scores(rescore(done.folder).results["three"])
    assert after.keys() == before.keys() and "multilingual RankDistance" in after
    assert {key: value for key, value in after.items() if "Rank" not in key} == pytest.approx(
        {key: value for key, value in before.items() if "Rank" not in key}, rel=2e-3, abs=2e-3
    )


def entry(suite: str, root: Path, boards: tuple[specs.BoardSpec, ...]) -> Entry:
    done = packed(suite, root)
    assert [finding.message for finding in checking.check(done.folder)] == []
    return entry_of(rescore(done.folder), boards)


def test_beirs_sets_are_a_row_by_dataset(root: Path, tmp_path: Path) -> None:
    boards = specs.read(root / "leaderboards" / "boards")
    of_beir = next(spec for spec in boards if spec.name == "beir")
    assert of_beir.covers("beir/nfcorpus/test") and of_beir.covers("beir/arguana") and not of_beir.covers("beir/cqadupstack/gis")
    found = entry("beir/nfcorpus/test", tmp_path, boards)
    (row,) = board.make(of_beir, [found], []).rows
    scores = evaluate(TinyEncoder(dimension=32), "beir/nfcorpus/test", options=EvaluationOptions(store=tmp_path / "store")).rows
    (ndcg,) = [score.value for score in scores if score.measure == "nDCG@10"]
    assert row.by_language["ndcg"] == {"nfcorpus": pytest.approx(ndcg, abs=1e-6)}
    # Every set of BEIR has one query set of English: two of them are two values of a row.
    other = found.scored["beir/nfcorpus/test"].model_copy(
        update={"suite": "beir/scifact/test", "settings": {"ndcg": {"scifact": {"en": 0.5}}}}
    )
    suites = found.submission.suites | {"beir/scifact/test": found.submission.suites["beir/nfcorpus/test"]}
    both = found.model_copy(
        update={
            "scored": found.scored | {"beir/scifact/test": other},
            "submission": found.submission.model_copy(update={"suites": suites}),
        }
    )
    (row,) = board.make(of_beir, [both], []).rows
    assert row.values["ndcg"] == pytest.approx((ndcg + 0.5) / 2, abs=1e-6)
    assert row.languages == 2


def test_a_suite_without_a_pool_of_all(shared: Path, root: Path, tmp_path: Path) -> None:
    boards = specs.read(root / "leaderboards" / "boards")
    found = entry("afriqa", tmp_path, boards)
    (row,) = board.make(next(spec for spec in boards if spec.name == "afriqa"), [found], []).rows
    suite = load_suite("afriqa")
    assert set(row.by_language["cross_ap"]) == {
        setting.query_set for setting in suite.settings if setting.kind == "cross-lingual"
    }
    assert set(row.by_language["mono_ap"]) == {setting.query_set for setting in suite.settings if setting.kind == "monolingual"}


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("squadshifts", True), ("afriqa", True), ("tico19", False), ("mkqa", True), ("beir/nfcorpus/test", True),
        ("beir/nfcorpus", False), ("beir", False), ("beir/../mini", False), ("multi30k", True), ("clinicaltrials/2021", False),
    ],
)  # fmt: skip
def test_which_accept_submissions(name: str, accepted: bool) -> None:
    assert suite_data.known(name) is accepted
