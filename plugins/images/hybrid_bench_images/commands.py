"""``hybrid-bench train-projection``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train_projection(
    encoder: Annotated[str, typer.Argument(help="The text encoder: a name, a folder, or org/model on the hub.")],
    captions: Annotated[str, typer.Option(help="Dataset, split and languages: multi30k-flickr8k/train/en, or .../en,de,fr.")],
    out: Annotated[Path, typer.Option(help="Folder of the new encoder.")],
    images: Annotated[str, typer.Option(help="The image features: lite0.")] = "lite0",
    folder: Annotated[
        Path | None, typer.Option("--from", help="A folder that has the images. [default: those of `hybrid-bench images add`]")
    ] = None,
    features: Annotated[Path | None, typer.Option(help="Their features instead: .npy, (images, 1280).")] = None,
    names: Annotated[Path | None, typer.Option(help="The names of the images of the features, a line each.")] = None,
    method: Annotated[
        str, typer.Option(help="ridge (closed form), or trained on batches of captions: linear, or hidden (one hidden layer).")
    ] = "ridge",
    strategy: Annotated[
        str | None, typer.Option(help="Languages of a batch, for linear and hidden: mono, cross, hybrid. [default: hybrid]")
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Share of monolingual batches, for --strategy hybrid. [default: 0.5]")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Batches, for linear and hidden. [default: 1000]")] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of parts, of the images that are held out to judge by, of batches and weights.")
    ] = 0,
    folds: Annotated[
        int, typer.Option(help="Fit as often, each time without another part of the images; --out then has folders 1, 2, ...")
    ] = 0,
    name: Annotated[str, typer.Option(help="Of the new encoder. [default: ENCODER+lite0]")] = "",
) -> None:
    """Fit a map from image features into the vector space of a text encoder: ridge regression, or contrastive training.

    Example: hybrid-bench train-projection me5-small --captions multi30k-flickr8k/train/en --from Images --out projections/me5
    """
    from hybrid_bench import HybridBenchError
    from hybrid_bench.plugin import Strategy, UnknownNameError, console
    from hybrid_bench_images.training import METHODS, Sources, Training, train

    if images != "lite0":
        raise HybridBenchError(f"there are no image features {images!r}", "Use --images lite0.")
    if method not in METHODS:
        raise UnknownNameError("method", method, METHODS)
    if method == "ridge" and (strategy, alpha, steps) != (None, None, None):
        raise HybridBenchError("ridge regression needs no batches", "Leave out --strategy, --alpha and --steps.")
    how = None if method == "ridge" else Training(method, Strategy.from_name(strategy or "hybrid", alpha), steps or 1000)
    sources = Sources(folder, features, names)
    progress = console.BarProgress()
    for line in train(encoder, captions, out, sources, seed=seed, folds=folds, how=how, name=name, progress=progress):
        console.remark(line)
