"""Cards of encoders are read by huggingface_hub, and have the results that were given."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from typer.testing import CliRunner

from hybrid_bench import Result, evaluate
from hybrid_bench.cli.main import app
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.reports.model_card import model_card
from tests.tiny_encoder import TinyEncoder


@pytest.fixture(scope="module")
def result() -> Result:
    return evaluate(TinyEncoder(), "mini")


def test_the_metadata_have_every_mean(result: Result) -> None:
    encoder = TinyEncoder()
    read = ModelCard(model_card(encoder, [result])).data
    assert read.model_name == encoder.card.name
    found = {(one.dataset_config, one.metric_name): one.metric_value for one in read.eval_results or ()}
    expected = result.scores.groupby(["setting", "measure"])["value"].mean().round(6).to_dict()
    assert found == pytest.approx(expected)
    kinds = {one.metric_name: one.metric_type for one in read.eval_results or ()}
    assert {
        "AP": "map",
        "nDCG@10": "ndcg_at_10",
        "R@100": "recall_at_100",
        "RankDistance": "rank_distance",
    }.items() <= kinds.items()
    assert {one.dataset_type for one in read.eval_results or ()} == {"mini"}


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", ("mit", None)),
        ("CC BY-SA 4.0", ("cc-by-sa-4.0", None)),
        ("MIT (base); none", ("other", "MIT (base); none")),
        ("", (None, None)),
    ],
)
def test_licences(licence: str, expected: tuple[str | None, str | None]) -> None:
    encoder = TinyEncoder()
    encoder.card = encoder.card.model_copy(
        update={"licence": licence, "languages": ("zh-Hans", "zh-Hant", "de"), "base": "org/base"}
    )
    read = ModelCard(model_card(encoder)).data
    assert (read.license, read.license_name) == expected
    assert (read.language, read.base_model) == (["zh", "de"], "org/base")


def test_hostile_texts_stay_texts(result: Result) -> None:
    encoder = TinyEncoder()
    text = "x\n---\nlicense: mit\n# y <script> | `z` \u202e"
    encoder.card = encoder.card.model_copy(update={"description": text, "training_data": text, "licence": text})
    made = model_card(encoder, [result])
    read = ModelCard(made).data
    assert (read.license, read.license_name) == ("other", text)
    body = made.split("\n---\n", 2)[-1]
    assert "<script>" not in body
    assert "\u202e" not in body
    assert "\n# y" not in body


def test_results_of_others_are_errors(result: Result) -> None:
    encoder = TinyEncoder()
    encoder.fingerprint = "other weights"
    with pytest.raises(HybridBenchError, match="other weights"):
        model_card(encoder, [result])
    encoder.card = encoder.card.model_copy(update={"name": "another"})
    with pytest.raises(HybridBenchError, match="not of another"):
        model_card(encoder, [result])


def test_the_command(tmp_path: Path, result: Result) -> None:
    result.save(tmp_path / "results")
    done = CliRunner().invoke(app, ["encoders", "card", "char-ngrams", "--results", str(tmp_path / "results")])
    assert done.exit_code == 2 or "none of the results is of char-ngrams" in str(done.exception)
    own = evaluate("char-ngrams", "mini")
    own.save(tmp_path / "results")
    target = tmp_path / "README.md"
    done = CliRunner().invoke(
        app, ["encoders", "card", "char-ngrams", "--results", str(tmp_path / "results"), "--out", str(target)]
    )
    assert done.exit_code == 0, done.output
    (first, *_) = ModelCard.load(target).data.eval_results or ()
    assert first.dataset_type == "mini"
    assert "hybrid-bench evaluate char-ngrams" in target.read_text(encoding="utf-8")
