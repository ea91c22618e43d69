"""Ridge regression from image features to caption vectors, with the penalty chosen on held-out images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_bench_images.projection import Projection, unit

#: Penalties that are tried, as multiples of the mean variance of a feature over all images.
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
#: Share of the images that are held out to choose the penalty.
HELD_OUT = 0.1


#: Language to (images, dimension) unit vectors of a caption of each image.
Targets = Mapping[str, NDArray[np.float32]]


class Fitted(NamedTuple):
    """A projection, how it was made, and its R@10 on the held-out images."""

    projection: Projection
    about: dict[str, str]
    recall: float


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


def recall_at_10(projection: Projection, features: NDArray[np.float32], targets: Targets) -> float:
    """The share of captions whose image is among the ten nearest, mean over languages.

    Args:
        projection: to judge.
        features: (images, features) as :func:`.projection.prepared` gives them.
        targets: of these images.
    """
    images = unit(projection.mapped(features))
    found = []
    for captions in targets.values():
        scores = captions @ images.T
        found.append(float(((scores > np.diagonal(scores)[:, None]).sum(axis=1) < 10).mean()))
    return float(np.mean(found))


def split(images: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of images that are held out, and of the others, by a seed."""
    order = np.random.default_rng(seed).permutation(images)
    held = max(1, int(images * HELD_OUT))
    return order[:held], order[held:]


def fit(features: NDArray[np.float32], targets: Targets, seed: int) -> Fitted:
    """Choose the penalty on held-out images, and fit all of them with it.

    With captions in several languages the sum of their errors is least where that of their mean is.

    Args:
        features: (images, features) as :func:`.projection.prepared` gives them.
        targets: of these images.
        seed: of the choice of held-out images.
    """
    held, rest = split(len(features), seed)
    middle = np.mean(list(targets.values()), axis=0)
    held_targets = {of: vectors[held] for of, vectors in targets.items()}
    recalls = [recall_at_10(one, features[held], held_targets) for one in ridge(features[rest], middle[rest], PENALTIES)]
    best = int(np.argmax(recalls))
    about = {"method": "ridge", "penalty": str(PENALTIES[best])}
    return Fitted(ridge(features, middle, [PENALTIES[best]])[0], about, recalls[best])
