"""A base encoder of a few kilobytes, parallel data that it can learn, and a recipe that trains in a second."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hybrid_bench.training.recipe import Recipe

LANGUAGES = ("de", "en", "th")
TOPICS = 80
SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
#: A word of a topic in a language, e.g. ``de7``; and words without information.
WORDS = [f"{language}{topic}" for language in LANGUAGES for topic in range(TOPICS)] + ["what", "is", "query", "passage", ":"]

CARD = """name = "tiny-base"
model = "."
pooling = "mean"
query_prefix = "query: "
passage_prefix = "passage: "
max_length = 48
licence = "none"
"""


def save_base(folder: Path, layers: int = 2) -> Path:
    """A BERT with the same random weights each time, its tokenizer and its card."""
    torch.manual_seed(5)
    vocabulary = [*SPECIAL.values(), *WORDS]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(vocabulary)}, SPECIAL["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary.index("[CLS]")), ("[SEP]", vocabulary.index("[SEP]"))]
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        pad_token_id=0,
    )
    model = BertModel(config, add_pooling_layer=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    (folder / "encoder.toml").write_text(CARD)
    return folder


def save_data(path: Path, rows: int = TOPICS, *, paragraphs: bool = False) -> Path:
    """Questions whose answers share two topic words with them, in three languages; also with paragraphs of three sentences."""
    chance = random.Random(3)
    lines = []
    for number in range(rows):
        topics = [number % TOPICS, *chance.sample(range(TOPICS), chance.randint(1, 9))]
        other = [(topic + 1) % TOPICS for topic in topics]
        lines.append(
            {
                "id": f"q{number}",
                "article": f"article {number // 4}",
                "question": {language: f"what is {language}{topics[0]} {language}{topics[1]}" for language in LANGUAGES},
                "sentence": {language: " ".join(f"{language}{topic}" for topic in topics) for language in LANGUAGES},
            }
            | ({"context": {language: _paragraph(language, topics, other) for language in LANGUAGES}} if paragraphs else {})
        )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _paragraph(language: str, *sentences: list[int]) -> str:
    parts = [*sentences, [*sentences[-1], sentences[0][0]]]
    return " ".join(" ".join(f"{language}{topic}" for topic in topics) + "!" for topics in parts)


def recipe(folder: Path, **changes: Any) -> Recipe:
    """A recipe for this base and these data, which are created in the folder if they do not exist.

    Args:
        folder: for the base and the data.
        changes: keys with ``__`` for the dot, e.g. ``optimiser__steps=3``.
    """
    if not (folder / "base").is_dir():
        save_base(folder / "base")
        save_data(folder / "data.jsonl")
    fields: dict[str, Any] = {
        "name": "tiny",
        "base": str(folder / "base"),
        "data": {"sources": {str(folder / "data.jsonl"): 1.0}, "clean_of": ()},
        "batches": {"size": 16},
        "optimiser": {"steps": 12, "learning_rate": 0.01},
        "weights": {"method": "lora", "rank": 4, "scale": 4, "dropout": 0.1, "biases": True},
        "texts": {"max_query_length": 32, "max_passage_length": 48},
        "dev": {"questions": 12, "every": 4},
        "compute": {"micro_batch_tokens": 96, "checkpoint_every": 4},
    }
    for key, value in changes.items():
        part, _, name = key.partition("__")
        if name:
            fields.setdefault(part, {})[name] = value
        else:
            fields[part] = value
    return Recipe.parse(fields, "the tiny recipe")
