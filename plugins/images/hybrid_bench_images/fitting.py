"""Ridge regression from image features to caption vectors, with the penalty chosen on held-out images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hybrid_bench_images.projection import Projection, prepared, unit

#: Penalties that are tried, as multiples of the mean variance of a feature over all images.
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
#: Share of the images that are held out to choose the penalty.
HELD_OUT = 0.1


def ridge(features: NDArray[np.float32], targets: NDArray[np.float32], penalties: Sequence[float]) -> list[Projection]:
    """The affine map that minimises ``|X W + b - T|^2 + n p v |W|^2`` for each penalty ``p``, in closed form.

    ``n`` is the number of images and ``v`` the mean variance of a feature; the intercept ``b`` is not penalised.

    Args:
        features: (images, features), as :func:`.projection.prepared` gives them.
        targets: (images, dimension) vectors of captions.
        penalties: above 0.
    """
    x, t = features.astype(np.float64), targets.astype(np.float64)
    mean_x, mean_t = x.mean(axis=0), t.mean(axis=0)
    x, t = x - mean_x, t - mean_t
    values, basis = np.linalg.eigh(x.T @ x)
    values, inner = np.maximum(values, 0), basis.T @ (x.T @ t)
    scale = values.sum() / x.shape[1]
    found = []
    for penalty in penalties:
        weight = basis @ (inner / (values + penalty * scale)[:, None])
        found.append(Projection(weight.astype(np.float32), (mean_t - mean_x @ weight).astype(np.float32)))
    return found


def recall_at_10(projection: Projection, features: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
    """The share of captions whose image is among the ten nearest, of (images, features) as they are and unit targets."""
    scores = targets @ unit(features @ projection.weight + projection.bias).T
    return float(((scores > np.diagonal(scores)[:, None]).sum(axis=1) < 10).mean())


def fit(features: NDArray[np.float32], targets: NDArray[np.float32], seed: int) -> tuple[Projection, float, float]:
    """Choose the penalty on held-out images, and fit all of them with it.

    Args:
        features: (images, features) as the network gives them.
        targets: (images, dimension) unit vectors of a caption of each.
        seed: of the choice of held-out images.

    Returns:
        The projection, its penalty, and the R@10 on the held-out images.
    """
    x = prepared(features)
    order = np.random.default_rng(seed).permutation(len(x))
    held, rest = np.split(order, [max(1, int(len(x) * HELD_OUT))])
    recalls = [recall_at_10(one, x[held], targets[held]) for one in ridge(x[rest], targets[rest], PENALTIES)]
    best = int(np.argmax(recalls))
    return ridge(x, targets, [PENALTIES[best]])[0], PENALTIES[best], recalls[best]
