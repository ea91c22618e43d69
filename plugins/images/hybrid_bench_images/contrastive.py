"""A linear map or one hidden layer, trained with InfoNCE on hybrid batches of captions with their images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from hybrid_bench.plugin import Batches, ParallelRow, ParallelTable, Progress
from hybrid_bench_images.fitting import Fitted, Targets, fit, recall_at_10, split
from hybrid_bench_images.projection import Projection
from hybrid_bench_images.training import Training

#: Units of the hidden layer, batches between two looks at the held-out images, and the weight decay of matrices.
HIDDEN, EVERY, DECAY = 1024, 50, 0.01


def train(
    features: NDArray[np.float32],
    targets: Targets,
    captions: Mapping[str, Sequence[str]],
    seed: int,
    how: Training,
    progress: Progress,
) -> Fitted:
    """Train a map, and keep it as it was when it found most captions of held-out images.

    In a batch, captions find their images, and images captions, among those of the batch. In a monolingual one both are of one
    language, in a cross-lingual one captions of one language find their images, which find captions of another.

    Args:
        features: (images, features) as :func:`.projection.prepared` gives them.
        targets: of these images.
        captions: language to their texts, by which the sampler keeps copies out of a batch.
        seed: of the held-out images, the batches, and the weights at the start.
        how: the choices.
        progress: where to report.

    Raises:
        HybridBenchError: if there are too few languages or images for the batches.
    """
    held, rest = split(len(features), seed)
    batches = _batches(captions, rest, seed, how)
    middle, scale = features[rest].mean(axis=0), float(features[rest].std(axis=0).mean())
    network = _network(features.shape[1], next(iter(targets.values())).shape[1], how.method, seed)
    if how.method == "linear":
        start = fit(features[rest], {of: vectors[rest] for of, vectors in targets.items()}, seed).projection
        _set(network[0], start.weight * scale, start.bias + middle @ start.weight)
    inputs = torch.from_numpy((features[rest] - middle) / scale)
    vectors = {of: torch.from_numpy(found[rest]) for of, found in targets.items()}
    groups = [{"params": [w for w in network.parameters() if w.ndim > 1], "weight_decay": DECAY}]
    groups += [{"params": [w for w in network.parameters() if w.ndim < 2], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=how.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, how.steps)
    held_targets = {of: found[held] for of, found in targets.items()}
    best, kept, at = -1.0, Projection(middle, middle), 0
    with progress:
        progress.start(f"training a {how.method} map", how.steps)
        for step in range(how.steps + 1):
            if step % EVERY == 0 or step == how.steps:
                now = _projection(network, middle, scale)
                if (recall := recall_at_10(now, features[held], held_targets)) > best:
                    best, kept, at = recall, now, step
            if step < how.steps:
                batch = batches.at(step)
                rows = torch.from_numpy(batch.rows.astype(np.int64))
                images = functional.normalize(network(inputs[rows]), dim=-1)
                sides = (vectors[batch.pairs[0].query][rows], vectors[batch.pairs[0].passage][rows])
                optimiser.zero_grad()
                _loss(images, *sides, how.temperature).backward()
                optimiser.step()
                schedule.step()
                progress.advance(1)
    return Fitted(kept, how.about() | {"kept after": f"{at} steps"}, best)


def _batches(captions: Mapping[str, Sequence[str]], rows: NDArray[np.int64], seed: int, how: Training) -> Batches:
    """A row of the table is an image: its captions are the questions, and its number stands for the passage of each language."""
    table = ParallelTable.from_rows(
        ParallelRow(
            str(row),
            "captions",
            question={of: found[row] for of, found in captions.items()},
            sentence=dict.fromkeys(captions, f"image {row}"),
        )
        for row in rows
    )
    return Batches(table, how.strategy, how.batch_size, seed)


def _network(features: int, dimension: int, method: str, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if method == "linear":
            return nn.Sequential(nn.Linear(features, dimension))
        return nn.Sequential(nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, dimension))


def _set(layer: nn.Module, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.T))  # type: ignore[operator]
        layer.bias.copy_(torch.from_numpy(bias))  # type: ignore[operator]


def _projection(network: nn.Sequential, middle: NDArray[np.float32], scale: float) -> Projection:
    """The network as a map of features as they are, which are centred and scaled before they enter it."""
    arrays = [weight.detach().numpy().copy() for weight in network.parameters()]
    scaled = arrays[0].T / scale
    first = scaled.astype(np.float32), (arrays[1] - middle @ scaled).astype(np.float32)
    return Projection(*first) if len(arrays) == 2 else Projection(arrays[2].T.copy(), arrays[3], hidden=first)


def _loss(images: torch.Tensor, queries: torch.Tensor, passages: torch.Tensor, temperature: float) -> torch.Tensor:
    """InfoNCE of captions that find images and of images that find captions, each (batch size, dimension) of unit length."""
    own = torch.arange(len(images))
    return (
        functional.cross_entropy(queries @ images.T / temperature, own)
        + functional.cross_entropy(images @ passages.T / temperature, own)
    ) / 2
