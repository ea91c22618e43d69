"""Distillation: a frozen teacher's vectors as targets, and a training that moves translations to their originals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from hybrid_bench.training.batches.strategies import Strategy
from hybrid_bench.training.loop.teacher import Teacher
from hybrid_bench.training.loop.trainable_model import TrainableModel
from hybrid_bench.training.recipe import Recipe
from hybrid_bench.training.train import train
from tests.training.tiny_training import CARD, recipe, save_base

ENGLISH = ["what is en1 en2", "what is en3", "en4 en5 en6"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("teacher")


def loaded(chosen: Recipe) -> tuple[Teacher, TrainableModel]:
    student = TrainableModel.load(chosen, "cpu")
    return Teacher.load(chosen, student, "cpu"), student


def test_strategies_with_distillation_have_names_of_their_own() -> None:
    both, alone = Strategy.from_name("hybrid+distilled", 0.25), Strategy.from_name("distilled")
    assert (str(both), both.alpha, both.contrastive, both.distilled) == ("hybrid(0.25)+distilled", 0.25, True, True)
    assert (str(alone), alone.kinds, alone.contrastive, alone.distilled) == ("distilled", ("cross-lingual",), False, True)
    assert not any(Strategy.from_name(name).distilled for name in ("mono", "cross", "hybrid", "english", "code-switched"))
    with pytest.raises(HybridBenchError, match="fixed alpha"):
        Strategy.from_name("distilled", 0.5)


def test_targets_are_the_vectors_of_the_frozen_base(place: Path) -> None:
    teacher, _ = loaded(recipe(place, batches__strategy="distilled"))
    found = teacher.targets([ENGLISH[0], None, ENGLISH[2]], [None, ENGLISH[1], None])
    assert found.shape == (2, 3, 16)
    assert not found[0, 1].any()
    assert not found[1, 0].any()
    base = load_encoder(str(place / "base"))
    expected = base.encode([ENGLISH[0], ENGLISH[2]], "query")
    assert np.abs(found[0, [0, 2]].numpy() - expected).max() < 1e-6
    assert np.abs(found[1, 1].numpy() - base.encode([ENGLISH[1]], "passage")[0]).max() < 1e-6
    assert not any(weight.requires_grad for weight in teacher.model.network.parameters())
    assert not teacher.targets([None], [None]).any(), "a batch may have no text in the teacher's language"


def test_another_teacher_reads_texts_as_its_card_states(place: Path) -> None:
    other = save_base(place / "other")
    (other / "encoder.toml").write_text(CARD.replace("query: ", "what "))
    teacher, _ = loaded(recipe(place, batches__strategy="distilled", distillation__teacher=str(other), texts__query_prefix="is "))
    found = teacher.targets([ENGLISH[0]], [None])[0, 0].numpy()
    assert np.abs(found - load_encoder(str(other)).encode([ENGLISH[0]], "query")[0]).max() < 1e-6


def test_a_training_moves_translations_to_the_vectors_of_their_originals(place: Path) -> None:
    rows = [json.loads(line) for line in (place / "data.jsonl").read_text().splitlines()]
    base = load_encoder(str(place / "base"))

    def distance(encoder: Encoder) -> float:
        """Of German questions to the base's vectors of the English ones."""
        found = encoder.encode([row["question"]["de"] for row in rows], "query")
        return float(np.square(found - base.encode([row["question"]["en"] for row in rows], "query")).sum(axis=1).mean())

    after = {}
    for strategy in ("hybrid", "hybrid+distilled", "distilled"):
        chosen = recipe(
            place, name=strategy, batches__strategy=strategy, optimiser__steps=24, dev__questions=0, distillation__weight=50
        )
        trained = load_encoder(str(train(chosen, place / f"trained-{strategy}", device="cpu")))
        assert f"the strategy {chosen.strategy}" in trained.card.description
        after[strategy] = distance(trained)
    assert after["distilled"] < distance(base)
    assert after["hybrid+distilled"] < 0.5 * after["hybrid"]


def test_errors(place: Path, tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="needs texts in fr, the language of its teacher"):
        train(recipe(place, batches__strategy="distilled", distillation__language="fr"), tmp_path / "out", device="cpu")
    student = TrainableModel.load(recipe(place), "cpu")
    wide = save_base(place / "wide")
    torch.manual_seed(1)
    from transformers import BertConfig, BertModel

    BertModel(BertConfig.from_pretrained(wide, hidden_size=32), add_pooling_layer=False).save_pretrained(wide)
    with pytest.raises(HybridBenchError, match="has vectors of dimension 32, the base of dimension 16"):
        Teacher.load(recipe(place, batches__strategy="distilled", distillation__teacher=str(wide)), student, "cpu")
