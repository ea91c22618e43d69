"""Cutting texts into batches by tokens, so that little is padded and memory stays level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def token_batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices of texts in batches, shortest texts first, each batch at most ``budget`` tokens with its padding.

    A text longer than the budget is a batch of its own. The order depends on nothing but the lengths.
    """
    order = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    batch: list[int] = []
    for index in order:
        if batch and lengths[index] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
