"""Real models, a few kilobytes each, with random weights and a vocabulary of a few words."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model, PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
WORDS = ["the", "river", "rises", "in", "mountains", "and", "flows", "to", "sea", "rain", "falls", "query", "passage", ":", "."]
VOCABULARY = [*SPECIAL.values(), *WORDS]
POSITIONS = 32

#: Of one to 19 words, so that a batch of them is padded.
TEXTS = [
    "the river rises in the mountains",
    "rain falls",
    "the river flows to the sea and the rain falls in the mountains and the river rises .",
    "sea",
    "and the river flows and flows and flows",
    "in the mountains the rain falls .",
    "to the sea",
]


def save_tokenizer(folder: Path, padding_side: str = "right") -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(VOCABULARY)}, SPECIAL["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", VOCABULARY.index("[CLS]")), ("[SEP]", VOCABULARY.index("[SEP]"))]
    )
    saved = PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side=padding_side, **SPECIAL)
    saved.save_pretrained(folder)
    return saved


def save_transformer(folder: Path, *, padding_side: str = "right", roberta: bool = False) -> Path:
    """A two-layer BERT (or XLM-R) that has the same weights each time."""
    torch.manual_seed(5)
    shape = {
        "vocab_size": len(VOCABULARY),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": POSITIONS,
        "pad_token_id": 0,
    }
    if roberta:
        model = XLMRobertaModel(XLMRobertaConfig(**shape), add_pooling_layer=False)
    else:
        model = BertModel(BertConfig(**shape), add_pooling_layer=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)  # so that words and their places matter
    model.save_pretrained(folder)
    save_tokenizer(folder, padding_side)
    return folder


def save_sentence_transformer(
    folder: Path,
    *,
    prompts: dict[str, str] | None = None,
    include_prompt: bool = True,
    normalize: bool = True,
    similarity: str | None = None,
) -> Path:
    """The BERT above with mean pooling, a projection to 8 dimensions, and perhaps normalisation."""
    bert = save_transformer(folder / "bert")
    torch.manual_seed(6)
    parts = [
        Transformer(str(bert)),
        Pooling(16, pooling_mode="mean", include_prompt=include_prompt),
        Dense(16, 8),
        *([Normalize()] if normalize else []),
    ]
    SentenceTransformer(modules=parts, prompts=prompts, similarity_fn_name=similarity, device="cpu").save(str(folder / "saved"))
    return folder / "saved"


def save_decoder(folder: Path, *, eos: str | None = "</s>", adds_eos: bool = False, padding_side: str = "left") -> Path:
    """A two-layer GPT-2 with absolute positions, whose tokenizer pads on the left and adds no token, or EOS at the end."""
    special = {"pad_token": "<pad>", "unk_token": "<unk>"} | ({"eos_token": eos} if eos else {})
    words = [*special.values(), *WORDS]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if adds_eos and eos:
        tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {eos}", special_tokens=[(eos, words.index(eos))])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side=padding_side, **special).save_pretrained(folder)
    torch.manual_seed(8)
    shape = {"vocab_size": len(words), "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": POSITIONS}
    GPT2Model(GPT2Config(**shape, pad_token_id=0)).eval().save_pretrained(folder)
    return folder


def put_on_hub(cache: Path, name: str, commit: str, folder: Path) -> None:
    """Put a model into a cache of the hub as if it had been downloaded, its latest version."""
    model = cache / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, model / "snapshots" / commit)
    (model / "refs").mkdir(exist_ok=True)
    (model / "refs" / "main").write_text(commit)
