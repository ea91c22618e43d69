"""A packed submission reproduces the scores of the evaluation."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, evaluate
from hybrid_bench.datasets.resolvers import SUITES
from hybrid_bench.submissions import checking, checksums, packing, rescoring
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.rescoring import mean_scores, rescore
from hybrid_bench.support import toml
from tests.submissions import examples
from tests.submissions.examples import Example
from tests.tiny_encoder import TinyEncoder


def test_a_valid_submission_has_no_findings(valid: Example, valid_runs: Example) -> None:
    assert valid.vectors is not None
    checked = checking.run(valid.folder, vectors=[valid.vectors])
    assert checked.findings == []
    assert set(checked.attested) == {"mini"}
    assert checking.check(valid_runs.folder) == []


def test_the_scores_are_those_of_the_same_vectors_evaluated(valid: Example) -> None:
    """The evaluation multiplies in float32, so only ties may differ."""

    class Rounded(TinyEncoder):
        def encode(self, texts, role):  # type: ignore[no-untyped-def]
            return super().encode(texts, role).astype(np.float16).astype(np.float32)

    evaluated = evaluate(Rounded(dimension=64), "mini", options=EvaluationOptions(store=valid.root / "rounded"))
    again = rescore(valid.folder).results["mini"]
    before, after = mean_scores(evaluated), mean_scores(again)
    assert before.keys() == after.keys()
    for score, value in before.items():
        assert after[score] == pytest.approx(value, rel=1e-3, abs=1e-3), score
    assert [(row.query_set, row.pool, row.measure, row.queries) for row in evaluated.rows] == [
        (row.query_set, row.pool, row.measure, row.queries) for row in again.rows
    ]


def test_runs_are_scored_as_runs(valid_runs: Example) -> None:
    result = rescore(valid_runs.folder).results["mini"]
    options = EvaluationOptions(measures=("AP@4", "P@1"), store=valid_runs.root / "store")
    evaluated = evaluate(TinyEncoder(dimension=64), "mini", options=options)
    before, after = mean_scores(evaluated), mean_scores(result)
    for kind in ("monolingual", "cross-lingual", "multilingual"):
        assert after[f"{kind} AP"] == pytest.approx(before[f"{kind} AP@4"], abs=1e-6)
        assert after[f"{kind} P@1"] == pytest.approx(before[f"{kind} P@1"], abs=1e-6)
    assert "multilingual RankDistance" not in after


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_a_submission_records_the_dtype(tmp_path: Path, dtype: str) -> None:
    class InDtype(TinyEncoder):
        def __init__(self) -> None:
            super().__init__(dimension=64)
            self.dtype = dtype

    card = tmp_path / "card.toml"
    card.write_text(examples.CARD)
    packed = packing.pack(
        InDtype(), ["mini"], tmp_path / "submissions", org="org", card=card, vectors_out=tmp_path, store=tmp_path / "s"
    )
    assert toml.load(packed.folder / "submission.toml")["suites"]["mini"]["dtype"] == dtype
    result = rescore(packed.folder).results["mini"]
    assert result.provenance.dtype == dtype
    assert any("computed in bf16, not in fp32" in note for note in result.notes) == (dtype == "bf16")


def test_packing_twice_gives_the_same_bytes(valid: Example, tmp_path: Path) -> None:
    again = examples.packed(tmp_path)
    for path in sorted(valid.folder.iterdir()):
        assert (again.folder / path.name).read_bytes() == path.read_bytes(), path.name
    assert valid.vectors is not None
    assert again.vectors is not None
    assert again.vectors.read_bytes() == valid.vectors.read_bytes()


def test_a_revision_is_packed_once(valid: Example) -> None:
    before = checksums.folder_hash(valid.folder)
    with pytest.raises(HybridBenchError, match="exists already"):
        examples.packed(valid.root)
    assert checksums.folder_hash(valid.folder) == before


@pytest.mark.parametrize("org", ["../x", "a__b", "a b", ""])
def test_invalid_names_are_rejected_before_the_evaluation(org: str, tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="is not a valid org"):
        packing.pack(TinyEncoder(), ["mini"], tmp_path / "submissions", org=org)
    assert list(tmp_path.iterdir()) == []


def test_unstated_fields_are_placeholders_and_rejected_until_filled_in(tmp_path: Path) -> None:
    packed = packing.pack(
        TinyEncoder(dimension=64), ["mini"], tmp_path / "submissions", org="org", vectors_out=tmp_path, store=tmp_path / "store"
    )
    assert packed.missing == ["training_data", "batch_strategy", "hardware", "contact"]
    rules = {finding.rule for finding in checking.check(packed.folder)}
    assert rules == {"placeholder", "schema"}
    card = packed.folder / "submission.toml"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace('batch_strategy = "TODO"', 'batch_strategy = "none"').replace("TODO", "x"), encoding="utf-8")
    assert {finding.rule for finding in checking.check(packed.folder)} == {"sums"}
    checksums.seal(packed.folder)
    assert checking.check(packed.folder) == []


def test_a_card_with_an_unknown_field(tmp_path: Path) -> None:
    card = tmp_path / "card.toml"
    card.write_text('licens = "MIT"\n')
    with pytest.raises(HybridBenchError, match="no field 'licens'"):
        packing.pack(TinyEncoder(), ["mini"], tmp_path / "submissions", org="org", card=card)


def test_vectors_longer_than_one_are_scaled_without_changing_a_rank(valid: Example, tmp_path: Path) -> None:
    class Long(TinyEncoder):
        def __init__(self) -> None:
            super().__init__(dimension=64)
            self.card = self.card.model_copy(update={"similarity": "dot"})

        def encode(self, texts, role):  # type: ignore[no-untyped-def]
            return super().encode(texts, role) * np.float32(1 << 20)

    card = tmp_path / "card.toml"
    card.write_text(examples.CARD)
    packed = packing.pack(
        Long(), ["mini"], tmp_path / "submissions", org="org", card=card, vectors_out=tmp_path, store=tmp_path / "s"
    )
    assert gzip.decompress((packed.folder / "mini.ranks.tsv.gz").read_bytes()) == gzip.decompress(valid.table.read_bytes())
    vectors = packed.suites[0].vectors
    assert vectors is not None
    assert checking.check(packed.folder, vectors=[vectors]) == []


def test_a_tampered_claim_is_reported_and_changes_no_score(example: Example) -> None:
    valid = rescore(example.folder)
    stated = toml.load(example.card)["suites"]["mini"]["claimed"]["monolingual AP"]
    example.edit(lambda text: text.replace(f'"monolingual AP" = {stated}', '"monolingual AP" = 0.999'))
    (finding,) = checking.check(example.folder)
    assert (finding.rule, finding.severity) == ("claim", "warning")
    assert "0.99900" in finding.message
    assert f"{stated:.3f}" in finding.message
    tampered = rescore(example.folder)
    assert tampered.results["mini"].rows == valid.results["mini"].rows
    assert [claim.score for claim in tampered.claims["mini"] if not claim.confirmed] == ["monolingual AP"]
    assert all(claim.confirmed for claim in valid.claims["mini"])
    assert tampered.content_hash != valid.content_hash


def test_claims_are_compared_to_1e_4() -> None:
    assert rescoring.Claim("monolingual AP", 0.50009, 0.5).confirmed
    assert not rescoring.Claim("monolingual AP", 0.50011, 0.5).confirmed
    assert not rescoring.Claim("monolingual AP", 0.5, None).confirmed


def test_the_table_of_the_committed_submission_is_small(root: Path) -> None:
    (table,) = (root / "leaderboards" / "submissions").glob("hybrid-bench__me5-small/*/xquad-r.ranks.tsv.gz")
    assert table.stat().st_size < 400_000


def test_the_hash_of_a_suite_depends_on_its_languages() -> None:
    restricted = suite_data.SuiteData(suite_data.load("mini").suite.restrict(["de", "en"]))
    assert restricted.digest != suite_data.load("mini").digest


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("mini", True), ("miracl", True), ("miracl/sw/dev", True),
        ("miracl/sw/train", False), ("miracl/xx/dev", False), ("xquad-r/de/dev", False), ("../mini", False), ("", False),
    ],
)  # fmt: skip
def test_registered_suites_and_dev_splits_of_their_languages_accept_submissions(name: str, accepted: bool) -> None:
    assert suite_data.known(name) is accepted


def test_an_encoder_is_not_packed_on_a_large_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = dataclasses.replace(suite_data.load("mini").suite, name="large-mini", large=True)
    monkeypatch.setitem(SUITES._added, "large-mini", large)
    with pytest.raises(HybridBenchError, match=r"large-mini is large.*\n  Submit its runs"):
        packing.pack(TinyEncoder(), ["large-mini"], tmp_path / "submissions", org="org", store=tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", ["no languages", "pool of some", "images"])
def test_suites_that_are_not_by_language_accept_no_submissions(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mini = suite_data.load("mini").suite
    first, *others = mini.collections
    suites = {
        "no languages": {"collections": (dataclasses.replace(first, language=None), *others)},
        "pool of some": {"pools": {**mini.pools, "european": ("de", "en")}},
        "images": {"collections": (dataclasses.replace(first, modality="image"), *others)},
    }
    monkeypatch.setitem(SUITES._added, "other", dataclasses.replace(mini, name="other", **suites[change]))
    assert not suite_data.known("other")
    with pytest.raises(HybridBenchError, match="the suite 'other' does not accept submissions"):
        suite_data.load("other")
