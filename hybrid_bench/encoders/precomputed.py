"""Precomputed features of images, which an encoder may take in place of the images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError


class FeatureFiles(NamedTuple):
    """Precomputed features of images.

    Attributes:
        features: an array saved by numpy, (names, features).
        names: the names of the images, one a line.
    """

    features: Path
    names: Path

    @classmethod
    def given(cls, features: Path | None, names: Path | None) -> FeatureFiles | None:
        """Both files, or None if there is neither.

        Raises:
            HybridBenchError: if only one of them is given.
        """
        if (features is None) != (names is None):
            raise HybridBenchError("features need the names of their images", "Give --features and --names together.")
        return cls(features, names) if features and names else None

    @property
    def sha256(self) -> str:
        """Of the bytes of both files, one after the other."""
        return hashlib.sha256(self.features.read_bytes() + self.names.read_bytes()).hexdigest()


@runtime_checkable
class TakesFeatures(Protocol):
    """An encoder whose images can be given as the features that it would compute of them."""

    def with_features(self, features: Path, names: Path, images: Sequence[str]) -> Encoder:
        """The encoder with these features; it encodes images by their names, and reads none.

        The features are part of its fingerprint, and ``preprocessing`` on its card names them.

        Args:
            features: an array saved by numpy, (names, features).
            names: the names of the images, one a line.
            images: the names of the images that will be encoded.

        Raises:
            HybridBenchError: if a file is missing or malformed, the array has another shape, or an image has no features.
        """


def with_features(encoder: Encoder, features: Path, names: Path, images: Sequence[str]) -> Encoder:
    """See :meth:`TakesFeatures.with_features`.

    Raises:
        HybridBenchError: also if the encoder takes no features.
    """
    if not isinstance(encoder, TakesFeatures):
        raise HybridBenchError(
            f"the option features has no effect on {encoder.card.name}: it takes no precomputed features",
            "Leave --features and --names out, and name the images: hybrid-bench images add.",
        )
    return encoder.with_features(features, names, images)
