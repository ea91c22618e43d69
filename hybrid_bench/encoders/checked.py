"""Not trusting what an encoder returns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.errors import HybridBenchError

#: How far from 1 the length of a unit vector may be: rounding to fp16 moves it by less.
UNIT_TOLERANCE = 1e-2


def encode_checked(encoder: Encoder, texts: Sequence[str], role: Role) -> np.ndarray:
    """Encode texts and check the result against the encoder's protocol and card.

    Returns:
        (texts, dimension) float32, finite; of unit length, to float32 rounding, where the card says ``cosine``.

    Raises:
        HybridBenchError: on another type, shape or dimension, NaN or infinity, or vectors without unit length.
    """
    name = encoder.card.name
    vectors = encoder.encode(texts, role)
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.floating):
        given = f"{vectors.dtype} of shape {vectors.shape}" if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise HybridBenchError(f"{name} returned {given} for {len(texts)} texts, not a float array (texts, dimension)")
    if len(vectors) != len(texts):
        raise HybridBenchError(f"{name} returned {len(vectors)} vectors for {len(texts)} texts")
    if encoder.card.dimension is not None and vectors.shape[1] != encoder.card.dimension:
        raise HybridBenchError(
            f"{name} returned {role} vectors of dimension {vectors.shape[1]}, its card says {encoder.card.dimension}",
            "Queries and passages need vectors of one dimension.",
        )
    vectors = vectors.astype(np.float32, copy=False)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        first = int(np.argmin(finite))
        raise HybridBenchError(
            f"{name} returned NaN or infinity for {int((~finite).sum())} of {len(texts)} texts, "
            f"first for the {role} {texts[first][:60]!r}",
            "Try --dtype fp32.",
        )
    if encoder.card.similarity == "cosine" and len(vectors):
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        if (np.abs(lengths - 1) > UNIT_TOLERANCE).any():
            worst = float(lengths[np.argmax(np.abs(lengths - 1))])
            raise HybridBenchError(
                f"{name} says similarity 'cosine' but returned a vector of length {worst:.4g}",
                "Normalise the vectors, or say similarity = 'dot' on the card.",
            )
    return np.ascontiguousarray(vectors)
