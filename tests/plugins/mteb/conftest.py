"""What the tests of the mteb plugin share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers


@pytest.fixture(scope="session")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of sentence-transformers with prompts: the mean of random vectors of a text's bytes, white space left out."""
    torch.manual_seed(3)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({byte: number for number, byte in enumerate(alphabet)}, []))
    bytes_of_words = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(bytes_of_words)
    modules = [StaticEmbedding(tokenizer, embedding_dim=16)]
    prompts = {"query": "query: ", "document": "passage: "}
    folder = tmp_path_factory.mktemp("models") / "plain"
    SentenceTransformer(modules=modules, prompts=prompts, similarity_fn_name="cosine", device="cpu").save(str(folder))
    return folder
