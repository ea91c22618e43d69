"""Validation of the vectors that an encoder returns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybrid_bench.datasets.images import Image, Input, modality_of
from hybrid_bench.encoders.modalities import check_modalities
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.errors import HybridBenchError

#: Largest deviation of a unit vector's length from 1; rounding to fp16 causes less.
UNIT_TOLERANCE = 1e-2


def encode_checked(encoder: Encoder, inputs: Sequence[Input], role: Role) -> np.ndarray:
    """Encode texts or images, and validate the result against the protocol and the encoder's card.

    Args:
        encoder: the encoder.
        inputs: texts or images, one kind per call.
        role: whether they are queries or passages.

    Returns:
        (inputs, dimension) float32, finite; of unit length, to float32 rounding, if the card says ``cosine``. It is a copy:
        encoders may reuse their output buffer.

    Raises:
        HybridBenchError: if the encoder lacks the modality or calls ``sys.exit``; on a wrong type, shape or dimension, NaN or
            infinity, or vectors without unit length.
    """
    name = encoder.card.name
    modality = modality_of(inputs)
    if len(inputs):
        check_modalities(encoder.card, [modality], "this input")
    noun = f"{modality}s"
    try:
        vectors = encoder.encode(inputs, role)
    except SystemExit as error:
        raise HybridBenchError(
            f"{name} ended the program while it encoded: sys.exit({error.code!r})", "Fix or uninstall its plugin."
        ) from error
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.floating):
        returned = f"{vectors.dtype} of shape {vectors.shape}" if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise HybridBenchError(f"{name} returned {returned} for {len(inputs)} {noun}, not a float array ({noun}, dimension)")
    if len(vectors) != len(inputs):
        raise HybridBenchError(f"{name} returned {len(vectors)} vectors for {len(inputs)} {noun}")
    if encoder.card.dimension is not None and vectors.shape[1] != encoder.card.dimension:
        raise HybridBenchError(
            f"{name} returned {role} vectors of dimension {vectors.shape[1]}, its card says {encoder.card.dimension}",
            "Queries and passages need vectors of one dimension.",
        )
    vectors = np.array(vectors, dtype=np.float32, order="C")
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        first = inputs[int(np.argmin(finite))]
        raise HybridBenchError(
            f"{name} returned NaN or infinity for {int((~finite).sum())} of {len(inputs)} {noun}, "
            f"first for the {role} {first.name if isinstance(first, Image) else first[:60]!r}",
            "Try --dtype fp32.",
        )
    if encoder.card.similarity == "cosine" and len(vectors):
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        if (np.abs(lengths - 1) > UNIT_TOLERANCE).any():
            worst = float(lengths[np.argmax(np.abs(lengths - 1))])
            raise HybridBenchError(
                f"{name} says similarity 'cosine' but returned a vector of length {worst:.4g}",
                "Normalise the vectors, or set similarity = 'dot' on the card.",
            )
    return vectors
