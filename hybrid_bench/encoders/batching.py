"""Batching by number of tokens: little padding, constant memory; and by number of inputs, if that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.precomputed import with_features
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np


def token_batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield batches of indices, shortest texts first, each of at most ``budget`` tokens including padding.

    A text longer than the budget forms a batch by itself. The order depends only on the lengths.
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


class InBatches:
    """An encoder that is given at most so many inputs at a time, of similar lengths.

    Args:
        encoder: that encodes.
        size: of a batch, at most.

    Raises:
        HybridBenchError: if the size is less than 1.
    """

    def __init__(self, encoder: Encoder, size: int) -> None:
        if size < 1:
            raise HybridBenchError(f"a batch of {size} texts is empty", "Use a batch size of 1 or more.")
        self._encoder = encoder
        self._size = size

    @property
    def card(self) -> EncoderCard:
        """That of the encoder."""
        return self._encoder.card

    @property
    def fingerprint(self) -> str:
        """That of the encoder."""
        return self._encoder.fingerprint

    @property
    def dtype(self) -> str:
        """That of the encoder."""
        return self._encoder.dtype

    @property
    def device(self) -> str:
        """That of the encoder."""
        return self._encoder.device

    @property
    def pooling(self) -> str:
        """What the encoder says of its pooling, if anything."""
        return str(getattr(self._encoder, "pooling", ""))

    def with_features(self, features: Path, names: Path, images: Sequence[str]) -> InBatches:
        """See :class:`hybrid_bench.encoders.precomputed.TakesFeatures`."""
        return InBatches(with_features(self._encoder, features, names, images), self._size)

    def encode(self, inputs: Sequence[Any], role: Role) -> np.ndarray:
        """Encode texts or images, see :class:`hybrid_bench.Encoder`."""
        import numpy as np

        lengths = [len(one) if isinstance(one, str) else 0 for one in inputs]
        order = sorted(range(len(inputs)), key=lengths.__getitem__)
        batches = [order[start : start + self._size] for start in range(0, len(order), self._size)]
        found = [self._encoder.encode([inputs[index] for index in batch], role) for batch in batches or [[]]]
        return np.concatenate(found)[np.argsort(order)]
