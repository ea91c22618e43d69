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
    folder: Annotated[Path | None, typer.Option("--from", help="A folder that has the images.")] = None,
    features: Annotated[Path | None, typer.Option(help="Their features instead: .npy, (images, 1280).")] = None,
    names: Annotated[Path | None, typer.Option(help="The names of the images of the features, a line each.")] = None,
    seed: Annotated[int, typer.Option(help="Of the images that are held out to choose the penalty.")] = 0,
    share: Annotated[
        float, typer.Option(help="Share of the images that are drawn, to see how much the fit depends on them.")
    ] = 1.0,
    name: Annotated[str, typer.Option(help="Of the new encoder. [default: ENCODER+lite0]")] = "",
) -> None:
    """Fit a map from image features into the vector space of a text encoder, by ridge regression on captions.

    Example: hybrid-bench train-projection me5-small --captions multi30k-flickr8k/train/en --from Images --out projections/me5
    """
    from hybrid_bench.plugin import console
    from hybrid_bench_images.training import train

    if images != "lite0":
        from hybrid_bench import HybridBenchError

        raise HybridBenchError(f"there are no image features {images!r}", "Use --images lite0.")
    found = train(
        encoder,
        captions,
        out,
        folder=folder,
        features=features,
        names=names,
        seed=seed,
        share=share,
        name=name,
        progress=console.BarProgress(),
    )
    console.remark(f"{found}; evaluate it with: hybrid-bench evaluate {out} --suite multi30k-flickr8k")
