"""The recipes of arXiv 2408.10536: their printed hyperparameters, and whole runs on tiny XLM-R and BERT checkpoints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from hybrid_bench import evaluate, load_encoder
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.training.recipe import Recipe
from hybrid_bench.training.train import train
from tests.conftest import ROOT
from tests.training.tiny_training import LANGUAGES, save_base, save_data

PAPER = ROOT / "recipes" / "paper"
NAMES = [f"{base}-{strategy}" for base in ("xlm-r", "labse") for strategy in ("mono", "cross", "hybrid")]


def test_there_is_a_recipe_for_each_base_and_strategy() -> None:
    assert sorted(path.stem for path in PAPER.glob("*.toml")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_recipes_state_what_the_paper_prints(name: str) -> None:
    recipe = Recipe.read(PAPER / f"{name}.toml")
    assert (
        recipe.base == {"xlm-r": "FacebookAI/xlm-roberta-base", "labse": "sentence-transformers/LaBSE"}[name.rpartition("-")[0]]
    )
    assert str(recipe.strategy) == {"mono": "mono", "cross": "cross", "hybrid": "hybrid(0.5)"}[name.rpartition("-")[2]]
    assert (recipe.optimiser.learning_rate, recipe.optimiser.weight_decay, recipe.batches.size) == (3e-5, 1e-2, 100)
    assert recipe.data.languages == ("ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh")
    assert recipe.batches.language_temperature == float("inf"), "languages are drawn uniformly"
    assert (recipe.batches.mode, recipe.loss.negatives, recipe.weights.method) == ("batch", "passages", "full")
    assert (recipe.texts.query_prefix, recipe.texts.passage_prefix) == ("Query: ", "Passage: ")
    assert recipe.dev.metric == "loss"
    assert recipe.dev.patience


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A bare XLM-R, and a BERT as LaBSE is stored: a sentence-transformers model with a dense layer."""
    folder = tmp_path_factory.mktemp("bases")
    bert = save_base(folder / "bert")
    (bert / "encoder.toml").unlink()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(bert)
    torch.manual_seed(6)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=66, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    XLMRobertaModel(config, add_pooling_layer=True).save_pretrained(folder / "xlm-r")
    tokenizer.save_pretrained(folder / "xlm-r")
    modules = [Transformer(str(bert)), Pooling(16, pooling_mode="cls"), Dense(16, 16), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder / "labse"))
    assert (folder / "labse" / "modules.json").is_file()
    # transformers 5.0 saves a BERT that it has loaded under old names of weights, which training refuses.
    shutil.copyfile(bert / "model.safetensors", folder / "labse" / "model.safetensors")
    return {"xlm-r": folder / "xlm-r", "labse": folder / "labse"}


@pytest.mark.parametrize("name", NAMES)
def test_recipes_run_from_data_to_scores(name: str, bases: dict[str, Path], tmp_path: Path) -> None:
    data = save_data(tmp_path / "data.jsonl")
    changes = {
        "base": str(bases[name.rpartition("-")[0]]),
        "data.sources": {str(data): 1},
        "data.languages": list(LANGUAGES),
        "data.clean_of": ["mini"],
        "batches.size": 16,
        "optimiser.steps": 3,
        "dev.questions": 12,
        "dev.every": 2,
        "texts.max_query_length": 32,
        "texts.max_passage_length": 48,
        "compute.precision": "fp32",
    }
    out = train(Recipe.read(PAPER / f"{name}.toml", changes), tmp_path / "out", device="cpu")
    card = EncoderCard.read(out / "encoder.toml")
    assert (card.query_prefix, card.passage_prefix, card.pooling) == ("Query: ", "Passage: ", "mean")
    assert "arXiv 2408.10536" in card.description
    records = [json.loads(line) for line in (out / "training.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if "loss" in record] == [1, 2, 3]
    result = evaluate(load_encoder(str(out)), "mini")
    assert {row.setting for row in result.rows} == {"monolingual", "cross-lingual", "multilingual"}
