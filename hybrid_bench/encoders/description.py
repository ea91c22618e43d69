"""What an encoder uses, in one line: shown once before it encodes."""

from __future__ import annotations

from hybrid_bench.encoders.protocol import Encoder


def describe(encoder: Encoder) -> str:
    """State pooling, prefixes, maximum length, dtype and similarity of an encoder.

    The pooling is the card's, or what the encoder says in an attribute ``pooling``, as sentence-transformers models do.
    """
    card = encoder.card
    pooling = f"{card.pooling} pooling" if card.pooling else str(getattr(encoder, "pooling", "")) or "a pooling of its own"
    named = {"query": card.query_prefix, "passage": card.passage_prefix}
    prefixes = ", ".join(f"{role} prefix {prefix!r}" for role, prefix in named.items() if prefix)
    length = f"at most {card.max_length} tokens" if card.max_length else "no maximum length"
    return f"{card.name}: {pooling}; {prefixes or 'no prefixes'}; {length}; {encoder.dtype}; similarity {card.similarity}"
