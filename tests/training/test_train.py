"""Training: from a recipe to an encoder folder, and the errors on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from transformers import BertModel, DistilBertConfig, DistilBertModel, Qwen3Config, Qwen3Model

from hybrid_bench import HybridBenchError, load_encoder
from hybrid_bench.cli import main
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.plugin import load_published
from hybrid_bench.support import toml
from hybrid_bench.training import train
from hybrid_bench.training.batches.strategies import hybrid
from hybrid_bench.training.data.table import ParallelTable
from hybrid_bench.training.encoder import averaging, difference, encoder_folder
from hybrid_bench.training.encoder.difference import WEIGHTS
from hybrid_bench.training.encoder.published import publish
from hybrid_bench.training.loop import dev_set, trainer
from hybrid_bench.training.loop.dev_set import Encode
from hybrid_bench.training.loop.trainable_model import TrainableModel
from hybrid_bench.training.recipe import Averaging, BatchChoices, Recipe
from tests.embeddings.whole_numbers import Told
from tests.encoders.models import put_on_hub
from tests.training.tables import mixed_table, question_rows, sentence_rows
from tests.training.tiny_training import recipe, save_base

TEXTS = ["de1 de3", "en4 what is en5 en6 en7", "th9"]
#: A recipe that trains in a second.
SHORT: dict[str, Any] = {"optimiser__steps": 2, "dev__questions": 0, "weights__dropout": 0.0}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("train")


@pytest.fixture(scope="module")
def chosen(place: Path) -> Recipe:
    return recipe(place, optimiser__steps=24, dev__every=12, description="of a test")


@pytest.fixture(scope="module")
def trained(place: Path, chosen: Recipe) -> Path:
    return train.train(chosen, place / "trained")


def records(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]


def test_loss_decreases(trained: Path) -> None:
    losses = [float(str(record["loss"])) for record in records(trained) if "loss" in record]
    assert len(losses) == 24
    assert np.mean(losses[-6:]) < np.mean(losses[:6]) - 0.2


def test_dev_scores_are_logged(trained: Path, place: Path, chosen: Recipe) -> None:
    evaluations = {record["step"]: record["dev"] for record in records(trained) if "dev" in record}
    assert list(evaluations) == [0, 12, 24]
    assert all(
        {"mono AP", "cross AP", "multi AP", "AP", "RankDistance", "loss"} <= scores.keys() for scores in evaluations.values()
    )  # type: ignore[attr-defined]


@pytest.mark.parametrize("metric", ["AP", "loss"])
def test_best_weights_become_the_encoder(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str) -> None:
    """Evaluations at steps 0, 4, 8 and 12 return fixed scores: step 8 is best by the metric, step 12 by the other one."""
    fixed = {"AP": [0.1, 0.2, 0.9, 0.3] if metric == "AP" else [0.1, 0.2, 0.3, 0.9], "loss": [3.0, 2.0, 1.0, 2.5]}
    if metric == "AP":
        fixed["loss"].sort(reverse=True)
    seen: list[np.ndarray] = []

    def scores(self: dev_set.DevSet, encode: Encode, *rest: object) -> dict[str, float]:
        seen.append(encode(TEXTS, "query"))
        return {name: values[len(seen) - 1] for name, values in fixed.items()}

    monkeypatch.setattr(dev_set.DevSet, "scores", scores)
    folder = train.train(recipe(place, dev__metric=metric, weights__dropout=0.0), tmp_path / "out")
    found = load_encoder(str(folder), dtype="fp32").encode(TEXTS, "query")
    apart = [float(np.abs(found - vectors).max()) for vectors in seen]
    assert apart[2] < 1e-3 < 1e-2 < min(apart[1], apart[3])


def test_best_weights_are_those_of_the_checkpoint_after_a_resume(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after an evaluation that is newer than the checkpoint, and has another result after the resume."""
    fixed = iter([0.1, 0.2, 0.3, 0.9, None, 0.2, 0.25, 0.28])  # at 0, 2, 4 (a checkpoint), 6, killed at 8; then at 6, 8, 10
    seen: list[np.ndarray] = []

    def scores(self: dev_set.DevSet, encode: Encode, *rest: object) -> dict[str, float]:
        seen.append(encode(TEXTS, "query"))
        if (value := next(fixed)) is None:
            raise KeyboardInterrupt
        return {"AP": value}

    monkeypatch.setattr(dev_set.DevSet, "scores", scores)
    chosen = recipe(place, dev__every=2, compute__checkpoint_every=4, optimiser__steps=10, weights__dropout=0.0)
    with pytest.raises(KeyboardInterrupt):
        train.train(chosen, tmp_path / "out")
    folder = train.train(chosen, tmp_path / "out")
    found = load_encoder(str(folder), dtype="fp32").encode(TEXTS, "query")
    apart = [float(np.abs(found - vectors).max()) for vectors in seen]
    assert apart[2] < 1e-3 < 5e-3 < min(apart[1], apart[3])


@pytest.mark.parametrize(
    "change",
    [
        {"optimiser__weight_decay": 0.9},
        {"optimiser__max_gradient": 1e-6},
        {"texts__query_prefix": "what "},
        {"texts__passage_prefix": "what "},
        {"texts__pooling": "cls"},
        {"loss__temperature": 0.5},
        {"data__languages": ("de", "en")},
    ],
)
def test_recipe_settings_change_the_result(
    place: Path, trained_shortly: bytes, tmp_path: Path, change: dict[str, object]
) -> None:
    folder = train.train(recipe(place, **SHORT, **change), tmp_path / "out")
    assert (folder / difference.FILE).read_bytes() != trained_shortly


@pytest.fixture(scope="module")
def trained_shortly(place: Path) -> bytes:
    first, again = (train.train(recipe(place, **SHORT), place / name) / difference.FILE for name in ("short", "again"))
    assert first.read_bytes() == again.read_bytes()
    return first.read_bytes()


def test_batches_of_a_recipe(place: Path) -> None:
    choices = {
        "strategy": "hybrid",
        "alpha": 0.3,
        "size": 5,
        "mode": "example",
        "topical": 0.4,
        "paragraph_negatives": 2,
        "negatives_language": "query",
        "language_temperature": 2.0,
        "switch_probability": 0.6,
    }
    assert choices.keys() == BatchChoices.model_fields.keys()
    rows = mixed_table()
    data = {"sources": {"qa": 1.0, "news": 4.0}, "languages": ("de", "en")}
    chosen = recipe(place, batches=choices, data=data, seed=9)
    found = train.batches_of(chosen, rows)
    assert found.table is rows
    assert (found.strategy, found.batch_size, found.mode, found.topical) == (hybrid(0.3), 5, "example", 0.4)
    assert (found.temperature, found.switch_probability, found.seed, found.languages) == (2.0, 0.6, 9, ("de", "en"))
    assert {share.source: round(share.probability, 9) for share in found.shares if share.kind == "cross-lingual"}["news"] == 0.7
    of_questions = next(batch for batch in found if batch.source == "qa")
    assert len(found.negatives(of_questions)) == 2
    assert found._negatives is not None
    assert found._negatives._language == "query"  # its monolingual batches do not show it


def test_dev_set_that_takes_a_whole_source_is_an_error() -> None:
    rows = [*question_rows(), *(replace(row, article="one") for row in question_rows(4, source="small"))]
    chosen = Recipe.parse(
        {
            "name": "r",
            "base": "b",
            "data": {"sources": {"qa": 1, "small": 1}},
            "optimiser": {"steps": 1},
            "batches": {"size": 2},
            "dev": {"questions": 30},
        },
        "r",
    )
    found = set()
    for seed in range(6):
        try:
            train.batches_and_dev_set(chosen.model_copy(update={"seed": seed}), ParallelTable.from_rows(rows))
        except HybridBenchError as error:
            found.add(error.problem)
    assert found == {"the development set takes every row of small"}


@pytest.mark.parametrize("seed", range(4))
def test_size_and_languages_of_the_dev_set(seed: int) -> None:
    rows = question_rows(80, ("de", "en", "th"))
    for row in rows[:60]:
        row.question, row.sentence = {"en": row.question["en"]}, {"en": row.sentence["en"]}
    table = ParallelTable.from_rows([*rows, *sentence_rows(20, ("de", "th"))])
    training, held_out = dev_set.split_dev_set(table, 3, seed, ["de", "th"])
    assert len(held_out) == 3
    assert all(row.question.keys() & row.sentence.keys() & {"de", "th"} for row in held_out.rows())
    assert not set(training.key_column("article")) - {""} & set(held_out.key_column("article"))


def test_log_has_both_batch_kinds(trained: Path) -> None:
    kinds = {(record["kind"], str(record["languages"]).count("-")) for record in records(trained) if "kind" in record}
    assert kinds == {("monolingual", 1), ("cross-lingual", 1)}


def test_output_is_an_encoder_folder_with_a_card(trained: Path) -> None:
    encoder = load_encoder(str(trained), dtype="fp32")
    assert (encoder.card.name, encoder.card.base, encoder.card.query_prefix) == ("tiny", "tiny-base", "query: ")
    assert encoder.card.description == "tiny-base trained with the strategy hybrid(0.5); of a test"
    assert encoder.card.training_data == "data, kept apart from no suite"
    assert encoder.card.licence == "base: none; trained on: not stated"
    assert encoder.card.tuned_languages == ("de", "en", "th")
    assert encoder.card.languages == ()  # the base states none
    assert encoder.encode(TEXTS, "query").shape == (3, 16)
    assert not (trained / "training").exists()


def test_finished_training_is_not_repeated(trained: Path, chosen: Recipe) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in trained.iterdir()}
    train.train(chosen, trained)
    assert before == {path.name: path.stat().st_mtime_ns for path in trained.iterdir()}
    with pytest.raises(HybridBenchError, match="holds an encoder of another recipe"):
        train.train(chosen.model_copy(update={"seed": 2}), trained)


def test_missing_weights_of_a_finished_training_are_restored(trained: Path, chosen: Recipe, tmp_path: Path) -> None:
    """Weights may have been deleted to save space, and checkpoints may be left from a kill after the last step."""
    folder = Path(shutil.copytree(trained, tmp_path / "copy"))
    before = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).unlink()
    (folder / "training").mkdir()
    (folder / "training" / "checkpoint.safetensors").touch()
    train.train(chosen, folder, merged=False)
    assert not (folder / WEIGHTS).exists()
    assert not (folder / "training").exists()
    train.train(chosen, folder)
    assert (folder / WEIGHTS).read_bytes() == before
    (folder / "training-data.json").write_text("{")
    with pytest.raises(HybridBenchError, match=r"training-data\.json is corrupt"):
        train.train(chosen, folder)


def test_changed_base_is_an_error(tmp_path: Path) -> None:
    chosen = recipe(tmp_path, optimiser__steps=1, dev__questions=0, averaging__trainings=2)
    folder = train.train(chosen, tmp_path / "out")
    base = tmp_path / "base" / WEIGHTS
    save_file({name: weight * 1.5 for name, weight in load_file(base).items()}, base, metadata={"format": "pt"})
    (folder / WEIGHTS).unlink()
    with pytest.raises(HybridBenchError, match="was trained on other weights than tiny-base has now"):
        train.train(chosen, folder)
    (folder / "encoder.toml").unlink()
    with pytest.raises(HybridBenchError, match="was trained on other weights than tiny-base has now"):
        train.train(chosen, folder)
    assert not (folder / "encoder.toml").exists()


def corrupt(folder: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Change the tensors and the metadata of a difference (a list replaces the metadata), and the expected hash."""
    tensors: dict[str, Any] = load_file(folder / "difference.safetensors")
    with safe_open(folder / "difference.safetensors", framework="numpy") as file:
        facts = json.loads(file.metadata()["hybrid_bench"])
    changed = change(tensors, facts)
    facts = changed if isinstance(changed, list) else facts
    save_file(tensors, folder / "difference.safetensors", metadata={"hybrid_bench": json.dumps(facts)})
    (folder / "files.json").write_text(json.dumps({"model.safetensors": "0" * 64}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors, facts: [], "is not a trained difference"),
        (lambda tensors, facts: facts["scale"].clear(), "not every layer has its factors and scale"),
        (lambda tensors, facts: tensors.pop(next(name for name in tensors if name.endswith(".a"))), "not every layer has its"),
        (lambda tensors, facts: tensors.update({n: v[:-1] for n, v in tensors.items() if n.endswith(".delta")}), "does not fit"),
        (lambda tensors, facts: None, "did not give the expected bytes"),
    ],
)
def test_corrupt_difference_is_an_error(
    change: Callable[[Any, Any], object],
    message: str,
    trained: Path,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    publish(trained, tmp_path / "published")
    corrupt(tmp_path / "published", change)
    with pytest.raises(HybridBenchError, match=message):
        load_published(tmp_path / "published", base=str(place / "base"), dtype="fp32")


@pytest.mark.parametrize("content", ["{", "[1]", "{}", '{"model.safetensors": null}'])
def test_corrupt_hashes_are_an_error(content: str, trained: Path, place: Path, tmp_path: Path) -> None:
    publish(trained, tmp_path / "published")
    (tmp_path / "published" / "files.json").write_text(content)
    with pytest.raises(HybridBenchError, match=r"files\.json is not a list of files with their SHA-256"):
        load_published(tmp_path / "published", base=str(place / "base"), dtype="fp32")


def test_published_training_loads_as_the_same_encoder(trained: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(place / "home"))
    files = publish(trained, place / "published")
    assert "model.safetensors" not in {path.name for path in files}
    again = load_published(place / "published", base=str(place / "base"), dtype="fp32")
    ours = load_encoder(str(trained), dtype="fp32")
    assert np.array_equal(again.encode(TEXTS, "passage"), ours.encode(TEXTS, "passage"))
    assert again.card.model != ours.card.model
    with pytest.raises(HybridBenchError, match=r"is not a finished training: difference\.safetensors is missing"):
        publish(place / "base", place / "elsewhere")
    with pytest.raises(HybridBenchError, match="is the folder of the training itself"):
        publish(trained, trained)
    with pytest.raises(HybridBenchError, match=r"data\.jsonl is a file"):
        publish(trained, place / "data.jsonl")


def test_published_training_loads_the_trained_base_revision(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    chosen = recipe(place, base="org/tiny", optimiser__steps=2, dev__questions=0, weights__biases=False)
    put_on_hub(tmp_path / "hub", "org/tiny", "a" * 40, place / "base")
    folder = train.train(chosen, tmp_path / "trained")
    publish(folder, tmp_path / "published")
    put_on_hub(tmp_path / "hub", "org/tiny", "b" * 40, save_base(tmp_path / "next", layers=1))
    again = load_published(tmp_path / "published", dtype="fp32")
    assert (again.card.name, again.card.base) == ("tiny", "org/tiny")
    assert np.array_equal(again.encode(TEXTS, "query"), load_encoder(str(folder), dtype="fp32").encode(TEXTS, "query"))


def test_merged_weights_equal_base_plus_difference(place: Path, trained: Path) -> None:
    base, merged = load_file(place / "base" / "model.safetensors"), load_file(trained / "model.safetensors")
    factors = load_file(trained / "difference.safetensors")
    changed = {name for name in base if not np.array_equal(base[name], merged[name])}
    low_rank = {f"{name.removesuffix('.a')}.weight" for name in factors if name.endswith(".a")}
    biases = {name.removesuffix(".delta") for name in factors if name.endswith(".delta")}
    assert changed <= low_rank | biases
    assert biases == {name for name in base if name.endswith(".bias") and "pooler" not in name}
    assert any("LayerNorm" in name and np.abs(factors[f"{name}.delta"]).max() > 1e-3 for name in biases)
    for name in biases:
        assert np.array_equal(merged[name], base[name] + factors[f"{name}.delta"])
    for name in changed - biases:
        layer = name.removesuffix(".weight")
        a, b = factors[f"{layer}.a"].astype(np.float64), factors[f"{layer}.b"].astype(np.float64)
        assert np.abs(merged[name] - (base[name] + b @ a)).max() < 1e-6  # scale = rank
    assert merged.keys() == base.keys()


def test_biases_are_not_trained_by_default(place: Path, tmp_path: Path) -> None:
    train.train(recipe(place, optimiser__steps=2, dev__questions=0, weights__biases=False), tmp_path / "trained")
    assert not [name for name in load_file(tmp_path / "trained" / "difference.safetensors") if name.endswith(".delta")]


def test_averaged_training_is_the_mean_of_its_trainings(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = recipe(place, optimiser__steps=4, dev__questions=0, averaging__trainings=3, seed=5)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(averaging, "average", interrupt)
        train.train(chosen, tmp_path / "soup")
    singles = [load_file(tmp_path / "soup" / "seeds" / seed / "model.safetensors") for seed in ("5", "6", "7")]
    assert not (tmp_path / "soup" / "encoder.toml").exists()
    train.train(chosen, tmp_path / "soup")
    mean = load_file(tmp_path / "soup" / "model.safetensors")
    assert any(np.abs(singles[0][name] - singles[1][name]).max() > 1e-3 for name in mean)
    for name, weight in mean.items():
        assert np.abs(weight - np.mean([single[name] for single in singles], axis=0)).max() < 1e-6
    assert not list((tmp_path / "soup" / "seeds").rglob("model.safetensors")), "differences are kept, merged weights are not"
    assert {record["seed"] for record in records(tmp_path / "soup")} == {5, 6, 7}
    card = load_encoder(str(tmp_path / "soup"), dtype="fp32").card
    assert card.description.endswith("the mean of the weights of 3 trainings, seeds 5 to 7")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "soup").rglob("*")}
    train.train(chosen, tmp_path / "soup")
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "soup").rglob("*")}
    with pytest.raises(HybridBenchError, match="holds an encoder of another recipe"):
        train.train(chosen.model_copy(update={"seed": 6}), tmp_path / "soup")
    train.train(chosen.model_copy(update={"averaging": Averaging(trainings=2)}), tmp_path / "soup")
    of_two = load_file(tmp_path / "soup" / "model.safetensors")
    assert all(np.abs(of_two[name] - (singles[0][name] + singles[1][name]) / 2).max() < 1e-6 for name in of_two)
    publish(tmp_path / "soup", tmp_path / "published")
    again = load_published(tmp_path / "published", base=str(place / "base"), dtype="fp32")
    assert np.array_equal(again.encode(TEXTS, "query"), load_encoder(str(tmp_path / "soup"), dtype="fp32").encode(TEXTS, "query"))


def test_rank_reduction_is_the_best_approximation(tmp_path: Path) -> None:
    """Compared with numpy's SVD of the full matrix."""
    draw = np.random.default_rng(3)
    layer, files, whole = "encoder.layer.0.output.dense", [], np.zeros((9, 7))
    for number in range(3):
        # Every number is exact in fp16.
        factors = difference.LowRank(draw.integers(-8, 9, (2, 7)) / 8, draw.integers(-8, 9, (9, 2)) / 8, 0.5)
        files.append(tmp_path / f"{number}.safetensors")
        difference.write(files[-1], {layer: factors}, {"bias": np.full(4, number, np.float32)}, "base")
        whole += 0.5 / 3 * factors.b @ factors.a
    assert difference.average(files, tmp_path / "mean") == 1
    assert np.allclose(product(tmp_path / "mean", layer, 0.5 / 3), whole, atol=1e-12)
    assert np.array_equal(load_file(tmp_path / "mean")["bias.delta"], np.ones(4))
    kept = difference.average(files, tmp_path / "cut", rank=4)
    u, values, v = np.linalg.svd(whole)
    assert kept == pytest.approx((values[:4] ** 2).sum() / (values**2).sum())
    best = (u[:, :4] * values[:4]) @ v[:4]
    assert load_file(tmp_path / "cut")[f"{layer}.a"].shape == (4, 7)
    assert np.abs(product(tmp_path / "cut", layer, 0.5 / 3) - best).max() < 2e-3 * np.abs(best).max()
    assert difference.average(files, tmp_path / "uncut", rank=6) == 1


def product(path: Path, layer: str, scale: float) -> np.ndarray:
    factors = load_file(path)
    product: np.ndarray = scale * factors[f"{layer}.b"].astype(np.float64) @ factors[f"{layer}.a"].astype(np.float64)
    return product


def test_averaging_different_bases_is_an_error(place: Path, trained: Path, tmp_path: Path) -> None:
    two = [trained / "difference.safetensors", tmp_path / "other.safetensors"]
    low_rank = {"encoder.layer.0.output.dense": difference.LowRank(np.zeros((1, 4)), np.zeros((4, 1)), 1.0)}
    difference.write(two[1], low_rank, {}, "another base")
    with pytest.raises(HybridBenchError, match="change different weights or bases"):
        difference.average(two, tmp_path / "mean.safetensors")
    two[1].write_bytes(b"half a file")
    with pytest.raises(HybridBenchError, match="is not a trained difference"):
        difference.average(two, tmp_path / "mean.safetensors")


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_full_fine_tuning_writes_a_difference(place: Path, tmp_path: Path) -> None:
    folder = train.train(recipe(place, optimiser__steps=2, weights={"method": "full"}, dev__questions=0), tmp_path / "full")
    base, merged = load_file(place / "base" / "model.safetensors"), load_file(folder / "model.safetensors")
    deltas = load_file(folder / "difference.safetensors")
    assert {f"{name}.delta" for name in base} == deltas.keys()
    assert all(np.abs(merged[name] - base[name] - deltas[f"{name}.delta"]).max() < 1e-6 for name in base)
    assert any(deltas[name].any() for name in deltas)


def test_difference_of_another_base_is_an_error(trained: Path, place: Path, tmp_path: Path) -> None:
    save_file({"other.weight": np.zeros((2, 2), np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(HybridBenchError, match="which the base does not have"):
        difference.merge(tmp_path, trained / "difference.safetensors", tmp_path)
    (tmp_path / "broken").write_bytes(b"nothing")
    with pytest.raises(HybridBenchError, match="is not a trained difference"):
        difference.merge(place / "base", tmp_path / "broken", tmp_path)


def test_non_finite_loss_stops_and_keeps_the_last_checkpoint(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = recipe(place, optimiser__steps=6, compute__checkpoint_every=2, dev__questions=0, weights__dropout=0.0)
    ordinary = trainer.HybridTrainer.training_step

    def poisoned(self: trainer.HybridTrainer, model: torch.nn.Module, *rest: object, **options: object) -> torch.Tensor:
        if self.state.global_step == 4:
            next(iter(self.weights.values())).data.fill_(float("nan"))
        return ordinary(self, model, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer.HybridTrainer, "training_step", poisoned)
    with pytest.raises(HybridBenchError, match=r"the loss of step 5 is not finite: a \S+ batch of data, \w\w-\w\w") as caught:
        train.train(chosen, tmp_path / "out")
    assert "The checkpoint of step 4 is kept" in caught.value.remedy
    monkeypatch.undo()
    train.train(chosen, tmp_path / "out")  # resumes after step 4
    train.train(chosen, tmp_path / "uninterrupted")
    resumed, uninterrupted = (tmp_path / name / "model.safetensors" for name in ("out", "uninterrupted"))
    assert resumed.read_bytes() == uninterrupted.read_bytes()


@pytest.mark.parametrize("most", [0.0, 1.0])
def test_non_finite_gradient_changes_no_weight(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: float) -> None:
    chosen = recipe(place, optimiser={"steps": 4, "max_gradient": most}, compute__checkpoint_every=2, dev__questions=0)
    ordinary = trainer.HybridTrainer.training_step

    def poisoned(self: trainer.HybridTrainer, *rest: object, **options: object) -> torch.Tensor:
        if self.state.global_step == 3:
            next(iter(self.weights.values())).register_hook(lambda gradient: gradient * float("inf"))
        return ordinary(self, *rest, **options)

    monkeypatch.setattr(trainer.HybridTrainer, "training_step", poisoned)
    with pytest.raises(HybridBenchError, match="the gradient of step 4 is not finite") as caught:
        train.train(chosen, tmp_path / "out")
    assert "The checkpoint of step 2 is kept" in caught.value.remedy


def test_precision_and_caching_change_the_loss_by_rounding_only(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    losses, warned = {}, {}
    for name, changes in {"plain": {}, "cached": {"cache_gradients": True}, "bf16": {"precision": "bf16"}}.items():
        compute = {"micro_batch_tokens": 96, "checkpoint_every": 4} | changes
        chosen = recipe(place, optimiser__steps=6, dev__questions=0, weights__dropout=0.0, compute=compute)
        progress = Told()
        trained = train.train(chosen, tmp_path / name, progress=progress)
        losses[name] = [record["loss"] for record in records(trained) if "loss" in record]
        warned[name] = any("compute.precision=fp32 is faster" in remark for remark in progress.remarks)
    assert warned == {"plain": False, "cached": False, "bf16": True}
    assert losses["cached"] == pytest.approx(losses["plain"], abs=1e-3)
    assert losses["bf16"] == pytest.approx(losses["plain"], abs=0.1)
    assert losses["bf16"][0] != losses["plain"][0], "bf16 was used"


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("linear", [1 / 3, 2 / 3, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8, 0]),
        ("cosine", [1 / 3, 2 / 3, *(np.cos(np.pi * np.arange(9) / 16) ** 2)]),
        ("constant", [1 / 3, 2 / 3, *[1] * 9]),
    ],
)
def test_learning_rate_schedule(schedule: str, rates: list[float], place: Path, tmp_path: Path) -> None:
    optimiser = {"steps": 10, "learning_rate": 0.5, "warmup": 0.2, "schedule": schedule}
    chosen = recipe(place, optimiser=optimiser, dev__questions=0, weights__biases=False, batches__size=2)
    logged = [record["learning_rate"] for record in records(train.train(chosen, tmp_path / "out")) if "loss" in record]
    assert logged == pytest.approx([0.5 * rate for rate in rates[1:]])


def test_checkpoint_of_another_recipe_is_an_error(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = recipe(place, optimiser__steps=3, compute__checkpoint_every=1, dev__questions=0)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(encoder_folder, "write", interrupt)
        train.train(chosen, tmp_path / "out")
    other = recipe(place, optimiser__steps=3, compute__checkpoint_every=1, dev__questions=0, loss={"temperature": 0.1})
    with pytest.raises(HybridBenchError, match="is a checkpoint of another recipe or of other data"):
        train.train(other, tmp_path / "out")
    facts = {"hybrid_bench": json.dumps({"standing": {"recipe": "r", "steps": 3}})}
    save_file({"a": np.zeros(1)}, tmp_path / "out" / "training" / "checkpoint.safetensors", metadata=facts)
    with pytest.raises(HybridBenchError, match=r"is not a training checkpoint: .*steps"):
        train.train(chosen, tmp_path / "out")
    (tmp_path / "out" / "training" / "checkpoint.safetensors").write_bytes(b"half a file")
    with pytest.raises(HybridBenchError, match="is not a training checkpoint"):
        train.train(chosen, tmp_path / "out")


def test_patience_stops_a_training_without_improvement(place: Path, tmp_path: Path) -> None:
    chosen = recipe(place, optimiser={"steps": 30, "learning_rate": 1e-12}, dev__every=2, dev__patience=2)
    folder = train.train(chosen, tmp_path / "out")
    assert max(int(str(record["step"])) for record in records(folder)) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__languages": ("de", "fr")}, "'fr'"),
        ({"data__languages": ("de",), "batches__strategy": "cross"}, "needs pairs of languages"),
        ({"batches__size": 500}, "cannot be drawn without a repeat"),
        ({"texts__max_passage_length": 64}, "texts.max_passage_length is 64, but .* at most 48 tokens"),
        ({"weights__layers": 3}, "weights.layers is 3, but the base has 2 layers"),
        ({"weights__targets": ("no_such_layer",)}, "no_such_layer"),
        (
            {"weights__targets": ("query", "word_embeddings")},
            "embeddings.word_embeddings, of weights.targets, is not a linear layer",
        ),
        ({"base": "no-such-encoder"}, "unknown encoder 'no-such-encoder'"),
        ({"dev__questions": 200}, "leaves no row to train on"),
        ({"dev__questions": 1, "dev__metric": "loss"}, "the dev loss at step 0 is not finite"),
        ({"data__languages": ("de", "th"), "batches__strategy": "english"}, "uses 'en', which is not among the languages"),
        (
            {"weights": {"method": "lora", "layers": 1, "targets": ("layer.0.output.dense",)}},
            "the recipe trains no weight of the base",
        ),
        ({"seed": 2**32}, "seed: Input should be less than"),
    ],
)
def test_invalid_trainings_are_errors(place: Path, tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(HybridBenchError, match=message):
        train.train(recipe(place, **changes), tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [({"max_shard_size": "1KB"}, r"the base in .* has no model\.safetensors"), ({}, "the base in .* has weights in F16")],
)
def test_unsupported_base_checkpoint_fails_before_training(
    place: Path, tmp_path: Path, options: dict[str, str], message: str
) -> None:
    shutil.copytree(place / "base", tmp_path / "base", ignore=shutil.ignore_patterns("model.safetensors"))
    model = BertModel.from_pretrained(place / "base", add_pooling_layer=False)
    (model if options else model.half()).save_pretrained(tmp_path / "base", **options)
    with pytest.raises(HybridBenchError, match=message):
        train.train(recipe(place, base=str(tmp_path / "base")), tmp_path / "out")
    assert not list(tmp_path.rglob("training.jsonl"))


def test_base_with_old_weight_names_fails_before_training(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "base", tmp_path / "base")
    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma"): w for name, w in load_file(place / "base" / WEIGHTS).items()}
    save_file(old, tmp_path / "base" / WEIGHTS, metadata={"format": "pt"})
    whole = recipe(place, base=str(tmp_path / "base"), weights={"method": "full"})
    with pytest.raises(HybridBenchError, match=r"uses an old name for embeddings\.LayerNorm\.weight"):
        train.train(whole, tmp_path / "out")
    assert not list(tmp_path.rglob("training.jsonl"))


def test_dropout_that_the_recipe_cannot_change_is_an_error(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "base", tmp_path / "base", ignore=shutil.ignore_patterns("model.safetensors", "config.json"))
    config = DistilBertConfig(
        vocab_size=300, dim=16, hidden_dim=32, n_layers=2, n_heads=2, max_position_embeddings=64, dropout=0.1
    )
    DistilBertModel(config).save_pretrained(tmp_path / "base")
    with pytest.raises(HybridBenchError, match=r"weights\.dropout does not change every dropout layer of the base"):
        TrainableModel.load(recipe(place, base=str(tmp_path / "base"), weights={"method": "full", "dropout": 0.0}))
    assert TrainableModel.load(recipe(place, base=str(tmp_path / "base"), weights={"method": "full"})).trainable_weights()


def test_word_embeddings_are_frozen_by_any_name(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "base", tmp_path / "base", ignore=shutil.ignore_patterns("model.safetensors", "config.json"))
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8}
    Qwen3Model(Qwen3Config(vocab_size=300, num_hidden_layers=2, **shape)).save_pretrained(tmp_path / "base")
    for freeze in (False, True):
        weights = {"method": "full", "freeze_embeddings": freeze}
        model = TrainableModel.load(recipe(place, base=str(tmp_path / "base"), texts__pooling="eos", weights=weights))
        assert ("embed_tokens.weight" in model.trainable_weights()) != freeze
        assert "layers.0.mlp.up_proj.weight" in model.trainable_weights()


def test_changed_data_of_a_finished_training_are_an_error(trained: Path, chosen: Recipe, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    (old,) = chosen.data.sources
    data.write_text("".join(Path(old).read_text().splitlines(keepends=True)[:-1]))
    shutil.copytree(trained, tmp_path / "trained")
    text = (trained / "recipe.toml").read_text().replace(old, str(data))
    (tmp_path / "trained" / "recipe.toml").write_text(text)
    with pytest.raises(HybridBenchError, match=r"the training data .*data\.jsonl changed"):
        train.train(Recipe.parse(toml.loads(text, "the recipe"), "the recipe"), tmp_path / "trained")


def test_training_on_user_data(place: Path, tmp_path: Path) -> None:
    for language in ("en", "de"):
        paragraphs = [
            {
                "context": f"{language} is {n}.",
                "qas": [{"id": f"{n}", "question": f"{language} {n}?", "answers": [{"text": f"{n}"}]}],
            }
            for n in range(100, 108)
        ]
        (tmp_path / f"{language}.json").write_text(json.dumps({"data": [{"title": "T", "paragraphs": paragraphs}]}))
    sources = {f"my:en={tmp_path / 'en.json'},de={tmp_path / 'de.json'}": 1.0}
    chosen = recipe(
        place, data={"sources": sources, "clean_of": ("mini",)}, batches__size=4, optimiser__steps=1, dev__questions=0
    )
    folder = train.train(chosen, tmp_path / "out")
    assert EncoderCard.read(folder / "encoder.toml").training_data.startswith(
        "my, without any question, passage or paragraph of mini"
    )
    assert train.train(chosen, folder) == folder
    (tmp_path / "de.json").unlink()
    assert train.train(chosen, folder) == folder, "missing files are not compared"


def test_files_of_the_first_process_are_accepted_by_later_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = Path.rglob

    def meanwhile(folder: Path, pattern: str) -> list[Path]:
        (folder / "training").mkdir(parents=True, exist_ok=True)
        (folder / "training" / ".lock").touch()
        return list(ordinary(folder, pattern))

    monkeypatch.setattr(Path, "rglob", meanwhile)
    train._check_output_folder(tmp_path / "out")
    (tmp_path / "other" / "notes.txt").parent.mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    monkeypatch.undo()
    with pytest.raises(HybridBenchError, match="holds files that are not of a training"):
        train._check_output_folder(tmp_path / "other")


def test_output_folder_with_other_files_is_an_error(chosen: Recipe, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(HybridBenchError, match="file is a file"):
            train.train(chosen, folder)
    (tmp_path / "out" / "training").mkdir(parents=True)
    (tmp_path / "out" / "training" / "thesis.txt").write_text("mine")
    with pytest.raises(HybridBenchError, match="out holds files that are not of a training"):
        train.train(chosen, tmp_path / "out")
    assert (tmp_path / "out" / "training" / "thesis.txt").read_text() == "mine"


def test_command_shows_the_recipe(
    place: Path, trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "tiny.toml").write_text((trained / "recipe.toml").read_text())
    monkeypatch.setattr("sys.argv", ["hybrid-bench", "train", str(place / "tiny.toml"), "--show", "--set", "optimiser.steps=7"])
    with pytest.raises(SystemExit):
        main()
    assert "steps = 7" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["hybrid-bench", "train", str(place / "tiny.toml"), "--set", "optimiser.step=7"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "optimiser.step: unknown key" in capsys.readouterr().err


def test_command_trains_and_publishes(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "short.toml").write_text(recipe(place, **SHORT).to_toml())
    words = ["hybrid-bench", "train", str(place / "short.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]
    for target, code, message in (("out", 2, "is the folder of the training itself"), ("published", 0, "copied difference")):
        monkeypatch.setattr("sys.argv", [*words, "--publish", str(tmp_path / target)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code or 0, (tmp_path / "out").exists()) == (code, code == 0)
        assert message in capsys.readouterr().err.replace("\n", " ")
    again = load_published(tmp_path / "published", base=str(place / "base"), dtype="fp32")
    ours = load_encoder(str(tmp_path / "out"), dtype="fp32")
    assert np.array_equal(again.encode(TEXTS, "query"), ours.encode(TEXTS, "query"))


def test_card_is_valid_toml(trained: Path) -> None:
    assert EncoderCard.read(trained / "encoder.toml").model == "."
