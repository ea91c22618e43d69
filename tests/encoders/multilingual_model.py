"""A real sentence-transformers model of a few hundred kilobytes that reads every language of ``mini``, with random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hybrid_bench import load_suite

_SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
PROMPTS = {"query": "query: ", "document": "passage: "}


def save_multilingual(folder: Path, similarity: str = "cosine") -> Path:
    """Write the model, the same one each time; returns its folder. Its vectors are not of unit length."""
    suite = load_suite("mini")
    texts = [str(item.content) for of in suite.collections for item in suite.passages(of.name)]
    tokenizer = Tokenizer(models.BPE(unk_token=_SPECIAL["unk_token"]))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=2000, special_tokens=list(_SPECIAL.values()), initial_alphabet=alphabet, show_progress=False
        ),
    )
    ids = [(token, tokenizer.token_to_id(token)) for token in (_SPECIAL["cls_token"], _SPECIAL["sep_token"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ids)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **_SPECIAL).save_pretrained(folder / "bert")
    torch.manual_seed(3)
    model = BertModel(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=128,
            pad_token_id=0,
        ),
        add_pooling_layer=False,
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=96)
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    saved = SentenceTransformer(modules=[transformer, pooling], prompts=PROMPTS, similarity_fn_name=similarity, device="cpu")
    saved.save(str(folder / "model"))
    return folder / "model"
