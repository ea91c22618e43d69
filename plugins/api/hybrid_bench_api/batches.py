"""Tokens of texts, and batches of texts by tokens."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken


@functools.cache
def _encoding() -> tiktoken.Encoding:
    """The tokens of OpenAI's embedding models: an estimate of those of others."""
    from hybrid_bench_api.client import litellm_module

    litellm_module()
    from litellm.litellm_core_utils.default_encoding import encoding  # with the file that LiteLLM ships: none is downloaded

    return encoding


def counts(texts: Sequence[str]) -> list[int]:
    """The number of tokens of each text."""
    return [len(tokens) for tokens in _encoding().encode_ordinary_batch(list(map(_valid, texts)))]


def truncated(text: str, length: int) -> str:
    """The first tokens of a text; the text itself if it has no more."""
    if len(text.encode("utf-8", "replace")) <= length:  # a token has one byte or more
        return text
    tokens = _encoding().encode_ordinary(_valid(text))
    return text if len(tokens) <= length else _encoding().decode(tokens[:length], errors="ignore")


def batches(texts: Sequence[str], *, size: int, tokens: int) -> Iterator[list[int]]:
    """Divide texts, in their order.

    Args:
        texts: to divide.
        size: texts of a batch, at most.
        tokens: of a batch, at most; a text that has more is alone.

    Yields:
        The positions of the texts of a batch.
    """
    batch: list[int] = []
    total = 0
    for position, count in enumerate(counts(texts)):
        if batch and (len(batch) == size or total + count > tokens):
            yield batch
            batch, total = [], 0
        batch.append(position)
        total += count
    if batch:
        yield batch


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
