"""The Encoder protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from hybrid_bench.encoders.card import EncoderCard

if TYPE_CHECKING:
    import numpy as np

#: What a text or an image is encoded as.
Role = Literal["query", "passage"]


class Identified(Protocol):
    """What vectors come from, as results and stores state it."""

    @property
    def card(self) -> EncoderCard:
        """Metadata of the encoder; it states everything that a vector depends on."""

    @property
    def fingerprint(self) -> str:
        """The revision or a hash of the weights; encoders that give different vectors have different ones."""

    @property
    def dtype(self) -> str:
        """Compute dtype: ``fp32``, ``bf16``, ``fp16`` or ``int8``."""

    @property
    def device(self) -> str:
        """Compute device, e.g. ``cpu`` or ``cuda``."""


@runtime_checkable
class Encoder(Identified, Protocol):
    """Encodes queries and passages as vectors whose dot product is their relevance score.

    Inputs are texts (``str``) or, if ``card.modalities`` lists ``image``, images (:class:`hybrid_bench.Image`). An encoder
    adds its prefixes to texts itself and truncates texts that are too long. The vector of an input does not depend on the
    other inputs of the call, up to rounding.

    An encoder that has a price may have a method ``estimate(inputs, role)`` that returns what it would cost to encode them, by
    name and unit, e.g. ``{"requests": 3.0, "tokens": 1200.0, "US dollars": 0.01}``, without doing it.

    An encoder of texts may name and annotate its parameter more narrowly: ``encode(self, texts: Sequence[str], role: Role)``.
    """

    def encode(self, inputs: Sequence[Any], role: Role, /) -> np.ndarray:
        """Encode texts or images.

        Args:
            inputs: texts without prefixes, or images; one kind per call, in any order and number.
            role: whether they are queries or passages.

        Returns:
            (inputs, dimension) float32, in the order of ``inputs``; of unit length if the card says ``cosine``. A later call
            must not change it.
        """


#: Entry points of ``hybrid_bench.encoders`` name a callable that returns an encoder. It is called with the options ``dtype``
#: and ``device`` of :func:`load_encoder`, and should load weights only when they are needed.
EncoderFactory = Callable[..., Encoder]
