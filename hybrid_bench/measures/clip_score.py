"""CLIPScore and RefCLIPScore of captions of images, from the vectors of a dual encoder.

Source: Hessel et al. 2021 (arXiv 2104.08718), sections 3 and 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The factor of CLIPScore.
WEIGHT = 2.5
#: What the authors put before every caption and reference.
PREFIX = "A photo depicts "


def clip_score(images: NDArray[np.float32], captions: NDArray[np.float32]) -> NDArray[np.float64]:
    """2.5 max(cos, 0) of each caption with its image.

    Args:
        images: (pairs, dimension) unit vectors.
        captions: (pairs, dimension) unit vectors.
    """
    return WEIGHT * np.maximum(_cosines(images, captions), 0)


def ref_clip_score(
    score: NDArray[np.float64], captions: NDArray[np.float32], references: Sequence[NDArray[np.float32]]
) -> NDArray[np.float64]:
    """The harmonic mean of CLIPScore and the largest cosine of the caption with a reference, or 0 if that is negative.

    Args:
        score: (pairs,) of :func:`clip_score`.
        captions: (pairs, dimension) unit vectors.
        references: of each pair (references, dimension) unit vectors.

    Returns:
        (pairs,); NaN for a pair without references.
    """
    found = np.full(len(score), np.nan)
    for number, (of_pair, caption) in enumerate(zip(references, captions, strict=True)):
        if len(of_pair):
            best = max(float(_cosines(np.repeat(caption[None], len(of_pair), axis=0), of_pair).max()), 0.0)
            total = score[number] + best
            found[number] = 2 * score[number] * best / total if total else 0.0
    return found


def _cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """(pairs,) the dot products, in double precision."""
    cosines: NDArray[np.float64] = np.einsum("ij,ij->i", a.astype(np.float64), b.astype(np.float64))
    return cosines
