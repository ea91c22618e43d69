"""What an encoder is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from hybrid_bench.encoders.card import EncoderCard

if TYPE_CHECKING:
    import numpy as np

Role = Literal["query", "passage"]


@runtime_checkable
class Encoder(Protocol):
    """Turns queries and passages into vectors whose dot product is their score.

    An encoder adds its own prefixes (the caller passes bare texts), cuts texts that are too long, and gives the same
    vector for the same text whatever stands beside it, up to rounding.
    """

    @property
    def card(self) -> EncoderCard:
        """What this encoder is; everything that changes a vector is on it."""

    @property
    def fingerprint(self) -> str:
        """The revision or a hash of the weights: two encoders that give different vectors differ in it."""

    @property
    def dtype(self) -> str:
        """The number format that the model computes in: ``fp32``, ``bf16``, ``fp16`` or ``int8``."""

    @property
    def device(self) -> str:
        """Where the model computes, e.g. ``cpu`` or ``cuda``."""

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Encode texts.

        Args:
            texts: bare texts, in any order and number.
            role: whether they are queries or passages.

        Returns:
            (texts, dimension) float32, in the order of ``texts``; of unit length where the card says ``cosine``.
        """


#: What an entry point of ``hybrid_bench.encoders`` names: called with the options of :func:`load_encoder`.
EncoderFactory = Callable[..., Encoder]
