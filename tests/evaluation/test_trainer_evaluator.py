"""The evaluator of sentence-transformers in a real training."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from hybrid_bench import EvaluationOptions, HybridBenchError, HybridBenchEvaluator, evaluate, load_suite
from hybrid_bench.plugin import UnknownNameError
from tests.encoders.multilingual_model import save_multilingual

LANGUAGES = ("de", "en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_multilingual(tmp_path_factory.mktemp("saved"))


def pairs() -> Dataset:
    """German and English passages side by side."""
    suite = load_suite("mini")
    german, english = ([str(item.content) for item in suite.passages(language)] for language in LANGUAGES)
    return Dataset.from_dict({"anchor": german, "positive": english})


def test_a_training_is_scored_at_its_steps(folder: Path, tmp_path: Path) -> None:
    model = SentenceTransformer(str(folder), device="cpu")
    evaluator = HybridBenchEvaluator("mini", languages=LANGUAGES, name="dev")
    assert (evaluator.primary_metric, evaluator.greater_is_better) == ("dev_multilingual_AP", True)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path),
        max_steps=16,
        per_device_train_batch_size=16,
        learning_rate=1e-3,
        eval_strategy="steps",
        eval_steps=8,
        save_strategy="steps",
        save_steps=8,
        load_best_model_at_end=True,
        metric_for_best_model="eval_dev_multilingual_AP",
        seed=1,
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
    )
    trainer = SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=pairs(),
        loss=MultipleNegativesRankingLoss(model),
        evaluator=evaluator,
    )
    before = evaluator(model)
    trainer.train()
    logged = [line for line in trainer.state.log_history if "eval_dev_multilingual_AP" in line]
    assert [line["step"] for line in logged] == [8, 16]
    scores = [before["dev_cross-lingual_AP"], *(line["eval_dev_cross-lingual_AP"] for line in logged)]
    assert len({round(score, 6) for score in scores}) == 3  # of the weights of each step
    assert {"eval_dev_monolingual_AP", "eval_dev_multilingual_RankDistance", "eval_dev_multilingual_SameLanguage@20"} <= set(
        logged[0]
    )
    with (tmp_path / "eval" / "hybrid_bench_dev.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [int(line["steps"]) for line in lines] == [8, 16]
    best = max(logged, key=lambda line: line["eval_dev_multilingual_AP"])
    assert trainer.state.best_metric == best["eval_dev_multilingual_AP"]
    after = evaluate(model, "mini", options=EvaluationOptions(languages=LANGUAGES, store=tmp_path / "store"))
    of = [row.value for row in after.rows if (row.setting, row.measure) == ("multilingual", "AP")]
    assert sum(of) / len(of) == pytest.approx(best["eval_dev_multilingual_AP"], abs=1e-6)


def test_the_mode_of_the_model_stays(folder: Path) -> None:
    model = SentenceTransformer(str(folder), device="cpu").train()
    evaluator = HybridBenchEvaluator(languages=("de", "en"), measures=("nDCG@10",), primary="multilingual RankDistance")
    metrics = evaluator(model)
    assert model.training
    assert evaluator.primary_metric in metrics
    assert not evaluator.greater_is_better
    assert "mini+de+en_monolingual_nDCG@10" in metrics


def test_unknown_names_are_refused_before_the_training() -> None:
    with pytest.raises(UnknownNameError):
        HybridBenchEvaluator("mini", languages=("xx",))
    with pytest.raises(HybridBenchError, match="mini has no score 'multi AP'"):
        HybridBenchEvaluator("mini", primary="multi AP")
