"""Token ids of texts for a transformer, with the end-of-text token that ``eos`` pooling takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hybrid_bench.encoders.card import Pooling
from hybrid_bench.errors import HybridBenchError


def token_ids(tokenizer: Any, texts: Sequence[str], max_length: int | None, pooling: Pooling | None) -> list[list[int]]:
    """Tokenize texts without padding.

    Args:
        tokenizer: of transformers.
        texts: with their prefixes.
        max_length: tokens of a text, at most; longer texts are truncated, and keep their special tokens.
        pooling: with ``eos``, every text ends with the token that the tokenizer adds at the end, or else with its EOS token:
            many tokenizers of decoders add none.

    Raises:
        HybridBenchError: if the pooling is ``eos`` and the tokenizer has no token for the end of a text.
    """
    end = _missing_end(tokenizer) if pooling == "eos" else []
    length = max_length and max_length - len(end)
    found: list[list[int]] = tokenizer(list(texts), truncation=True, max_length=length)["input_ids"]
    return [[*ids, *end] for ids in found] if end else found


def _missing_end(tokenizer: Any) -> list[int]:
    """The EOS token; nothing if the tokenizer adds a token at the end of a text itself."""
    words: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"]
    if tokenizer("a")["input_ids"][-len(words) :] != words:
        return []
    for end in (tokenizer.eos_token_id, tokenizer.sep_token_id):
        if end is not None:
            return [int(end)]
    raise HybridBenchError(
        "pooling 'eos' takes the vector of the token that ends a text, and the tokenizer of this model has no such token",
        "Choose --pooling mean or cls, or state an eos_token in its tokenizer_config.json.",
    )
