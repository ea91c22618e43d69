"""A text encoder with image features projected into its space."""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hybrid_bench import EncoderCard, HybridBenchError, Image, load_encoder
from hybrid_bench.plugin import Input, Role, SilentProgress, modality_of
from hybrid_bench_images import lite0
from hybrid_bench_images.features import Features
from hybrid_bench_images.projection import Projection, file_hash

if TYPE_CHECKING:
    import numpy as np


class ProjectedEncoder:
    """Encodes texts with a text encoder, and images by EfficientNet-Lite0 and a projection.

    Args:
        card: with the text encoder as ``base``, and the folder of the projection as ``model``.
        dtype: of the text encoder; images are computed in fp32 on the CPU.
        device: of the text encoder.
        trust_remote_code: run code that comes with the text encoder.

    Raises:
        HybridBenchError: if one of them cannot be loaded, or the projection is of another text encoder.
    """

    def __init__(self, card: EncoderCard, *, dtype: str = "fp32", device: str = "auto", trust_remote_code: bool = False) -> None:
        self._features: Features | None = None
        self._folder = Path(card.model)
        self._projection = Projection.load(self._folder)
        self._texts = load_encoder(card.base, dtype=dtype, device=device, trust_remote_code=trust_remote_code)
        made_for, found = self._projection.about.get("base_fingerprint", ""), weights_of(self._texts.fingerprint)
        dimension = self._texts.card.dimension
        if made_for != found or self._projection.shape != (lite0.FEATURES, dimension):
            raise HybridBenchError(
                f"the projection in {self._folder} was made for other weights than those of {card.base}",
                f"Make it again: hybrid-bench train-projection {card.base} --out FOLDER ...",
            )
        # As the fingerprint, but for how texts are computed here: equal on every machine.
        weights = found, lite0.weights_hash(), file_hash(self._folder)
        self.card = self._texts.card.model_copy(
            update={
                "name": card.name,
                "revision": hashlib.sha256("\0".join(weights).encode()).hexdigest()[:12],
                "description": card.description,
                "backend": "projection",
                "base": card.base,
                "model": card.model,
                "modalities": ("text", "image"),
                "preprocessing": lite0.PREPROCESSING,
                "parameters": (self._texts.card.parameters or 0) + 3_371_024 + self._projection.parameters,
                "training_data": f"{self._texts.card.training_data} Projection: {card.training_data}".strip()[:500],
                "licence": card.licence or self._texts.card.licence,
            }
        )

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the text encoder, the image network or the precomputed features, and the projection."""
        of_images = f"features {self._features.sha256}" if self._features else lite0.weights_hash()
        parts = self._texts.fingerprint, of_images, file_hash(self._folder)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @property
    def text_fingerprint(self) -> str:
        """Of the text encoder alone: projections for the same one have the same vectors of texts."""
        return self._texts.fingerprint

    @property
    def dtype(self) -> str:
        """Of the text encoder."""
        return self._texts.dtype

    @property
    def device(self) -> str:
        """Of the text encoder."""
        return self._texts.device

    def with_features(self, features: Path, names: Path, images: Sequence[str]) -> ProjectedEncoder:
        """This encoder with precomputed features: it encodes images by their names, and reads none.

        Args:
            features: an array saved by numpy, (names, 1280), none of them negative.
            names: the names of the images, one a line.
            images: the names of the images that will be encoded.

        Raises:
            HybridBenchError: if a file is missing or malformed, the array has another shape, or an image has no features.
        """
        found = Features.read(features, names)
        found.need(images)
        other = copy.copy(self)
        other.__dict__.pop("fingerprint", None)
        other._features = found
        preprocessing = f"precomputed features, {features.name} and {names.name}, sha256 {found.sha256[:16]}"
        other.card = self.card.model_copy(update={"preprocessing": preprocessing})
        return other

    def encode(self, inputs: Sequence[Input], role: Role) -> np.ndarray:
        """Encode texts or images: (inputs, dimension) float32 of unit length. See :class:`hybrid_bench.Encoder`."""
        if modality_of(inputs) == "image":
            images = cast("Sequence[Image]", inputs)
            if self._features:
                names = [Path(image.name).stem for image in images]
                return self._projection(self._features.of(names, SilentProgress()))
            return self._projection(lite0.features(images))
        return self._texts.encode(inputs, role)


def weights_of(fingerprint: str) -> str:
    """The part of a fingerprint that identifies weights, without what it says of how they are computed here."""
    return fingerprint.partition(" ")[0]
