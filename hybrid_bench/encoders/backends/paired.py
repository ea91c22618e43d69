"""Two models that share a vector space: one of texts and one of images (M-CLIP, clip-ViT-B-32-multilingual-v1)."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybrid_bench.datasets.images import Input, modality_of
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np


class PairedEncoder:
    """Encodes texts with one encoder and images with another.

    Args:
        card: of the pair; what the two models state themselves is taken over.
        texts: the encoder of texts.
        images: the encoder of images.

    Raises:
        HybridBenchError: if the two have vectors of different dimensions, or different ways to compare them.
    """

    def __init__(self, card: EncoderCard, texts: Encoder, images: Encoder) -> None:
        for what in ("dimension", "similarity"):
            of_texts, of_images = getattr(texts.card, what), getattr(images.card, what)
            if of_texts != of_images:
                raise HybridBenchError(
                    f"{card.name}: {what} of texts is {of_texts}, and of images {of_images}",
                    "Name two models that share a vector space (model and image_model on the card).",
                )
        self._texts, self._images = texts, images
        self.card = texts.card.model_copy(
            update={
                "name": card.name,
                "image_model": card.image_model,
                "modalities": ("text", "image"),
                "preprocessing": images.card.preprocessing,
                "parameters": (texts.card.parameters or 0) + (images.card.parameters or 0) or None,
            }
        )

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of both."""
        return hashlib.sha256(f"{self._texts.fingerprint}\0{self._images.fingerprint}".encode()).hexdigest()

    @property
    def dtype(self) -> str:
        """Of both."""
        return self._texts.dtype

    @property
    def device(self) -> str:
        """Of both."""
        return self._texts.device

    @property
    def pooling(self) -> str:
        """Of texts, in words."""
        return str(getattr(self._texts, "pooling", ""))

    def encode(self, inputs: Sequence[Input], role: Role) -> np.ndarray:
        """Encode texts or images: (inputs, dimension) float32. See :class:`hybrid_bench.Encoder`."""
        return (self._images if modality_of(inputs) == "image" else self._texts).encode(inputs, role)
