"""Vectors made from the judgements are flagged for a maintainer, and called no more than they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from typer.testing import CliRunner

from hybrid_bench.cli.main import app
from hybrid_bench.leaderboard.build import build
from hybrid_bench.leaderboard.levels import LEVELS
from hybrid_bench.submissions import checking, ranking, suspicion
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import vectors
from hybrid_bench.submissions.format.findings import Finding, Report
from tests.submissions.examples import Example
from tests.submissions.test_checking import recorded

DIMENSION = 64
BOARD = """\
title = "Mini"
about = "Everyday topics."
suites = ["mini"]
sorted_by = "multi_ap"
detail = "multi_ap"

[[columns]]
key = "multi_ap"
label = "multi AP"
setting = "multilingual"
measure = "AP"
"""


def unit(array: np.ndarray) -> np.ndarray:
    units: np.ndarray = (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float16)
    return units


def oracle(*, passage_noise: float = 0.0, query_noise: float = 0.0) -> dict[str, np.ndarray]:
    """A random direction for each question; its relevant passages have it, and no text is read."""
    data, draw = suite_data.load("mini"), np.random.default_rng(3)
    arrays = {name: draw.normal(size=(len(ids), DIMENSION)) for name, ids in data.passage_ids.items()}
    place = {doc_id: (name, row) for name, ids in data.passage_ids.items() for row, doc_id in enumerate(ids)}
    meaning: dict[str, np.ndarray] = {}
    found = {}
    for name, part in data.relevant.items():
        for query_id, pairs in part.items():
            direction = meaning.setdefault(query_id, draw.normal(size=DIMENSION))
            for pair in pairs:
                collection, row = place[pair.doc_id]
                arrays[collection][row] = direction + passage_noise * draw.normal(size=DIMENSION)
        found[f"queries/{name}"] = np.stack([meaning[query_id] + query_noise * draw.normal(size=DIMENSION) for query_id in part])
    found |= {f"passages/{name}": array for name, array in arrays.items()}
    return {name: unit(array) for name, array in found.items()}


def submit(example: Example, arrays: dict[str, np.ndarray]) -> None:
    """Replace the vectors and ranks of a submission."""
    example.set_vectors(vectors.to_bytes(arrays))
    example.replace(example.table, ranking.ranks_of(arrays, suite_data.load("mini")).to_bytes())


def with_board(example: Example) -> None:
    (example.root / "boards").mkdir()
    (example.root / "boards" / "mini.toml").write_text(BOARD, encoding="utf-8")


def suspicious(example: Example) -> Iterator[Finding]:
    assert example.vectors is not None
    found = checking.check(example.folder, vectors=[example.vectors])
    assert all(finding.severity == "warning" for finding in found)
    return (finding for finding in found if finding.rule == "suspicious")


def test_an_oracle_is_flagged_and_gets_no_higher_level(example: Example) -> None:
    submit(example, oracle())
    scores, grouped = sorted(suspicious(example), key=lambda finding: finding.file, reverse=True)
    assert "multilingual AP is 1.0000, above 0.98" in scores.message
    assert "no one re-ran it" in scores.message
    assert "grouped by question: with probability 1.000" in grouped.message
    assert "submit rerun" in scores.remedy
    recorded(example)
    with_board(example)
    built = build(example.root)
    assert any("org/tiny" in phrase and "above 0.98" in phrase for phrase in built.suspicious)
    page = built.files["site/mini.html"].decode()
    assert "vectors re-scored" in page
    assert LEVELS["vectors re-scored"] in page
    assert "re-run</span>" not in page, "the level that no one attested"


def test_clean_groups_are_flagged_whatever_the_scores(example: Example) -> None:
    """Noise in the questions alone keeps the scores ordinary."""
    submit(example, oracle(passage_noise=0.3, query_noise=3.0))
    (found,) = suspicious(example)
    assert found.file == "mini.vectors.safetensors"


def test_encoders_are_not_flagged(example: Example) -> None:
    assert list(suspicious(example)) == []


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0])
def test_translations_side_by_side_are_not_flagged(noise: float) -> None:
    """The best encoder there can be: it knows which passages are translations of each other, relevant or not."""
    data, draw = suite_data.load("mini"), np.random.default_rng(4)
    meaning = draw.normal(size=(75, DIMENSION))
    arrays = {f"passages/{name}": unit(meaning + noise * draw.normal(size=meaning.shape)) for name in data.passage_ids}
    found = suspicion.grouped_by_question(arrays, data)
    assert found is not None
    assert 0.4 < found < 0.6


def test_high_scores() -> None:
    means = {"multilingual AP": 0.99, "monolingual AP@20": 0.985, "cross-lingual AP": 0.98, "multilingual P@1": 1.0}
    assert suspicion.high_scores(means) == ["monolingual AP@20 is 0.9850, above 0.98", "multilingual AP is 0.9900, above 0.98"]


def test_the_build_shows_what_to_look_at(example: Example) -> None:
    submit(example, oracle())
    with_board(example)
    done = CliRunner().invoke(app, ["leaderboard", "build", "--folder", str(example.root)])
    assert done.exit_code == 0, done.output
    assert "suspicious, and no one re-ran it: mini: org/tiny r1: multilingual AP is 1.0000" in " ".join(done.output.split())


def test_many_warnings_of_a_rule_are_no_error() -> None:
    report = Report()
    for number in range(9):
        report.warning("claim", "submission.toml", f"claim {number}")
    assert {finding.severity for finding in report.findings} == {"warning"}
    report.error("claim", "other", "wrong")
    assert [finding.file for finding in report.findings if finding.severity == "error"] == ["other"]
