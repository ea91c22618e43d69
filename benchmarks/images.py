"""Encoding images from files against the bare network on pixels that are in memory, in one run.

    python benchmarks/images.py FOLDER [--encoder hybrid-me5-small+lite0] [--images 256]

Prints images a second of both and their ratio: what reading, decoding, scaling, projecting, checking and storing cost, as in
``hybrid-bench evaluate`` with its progress bar. The two take turns.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from hybrid_bench import Image, load_encoder
from hybrid_bench.plugin import EmbeddingStore, console, find_images


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the images")
    parser.add_argument("--encoder", default="hybrid-me5-small+lite0", help="whose image network is EfficientNet-Lite0")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--parts", type=int, default=4, help="turns of each")
    arguments = parser.parse_args()

    from hybrid_bench_images import lite0

    paths = sorted(set(find_images(arguments.folder).values()))[: arguments.images + 1]
    first, *images = map(Image.from_path, paths)  # the first is to warm up with: an image is encoded once
    encoder = load_encoder(arguments.encoder, device="cpu")
    pixels = lite0.pixels_of([image.rgb() for image in images])
    network = lite0.network()
    encoder.encode([first], "passage")
    seconds = {"files": 0.0, "pixels": 0.0}
    bar = console.BarProgress()
    with bar:
        bar.start("images", len(images))
        for part in np.array_split(np.arange(len(images)), arguments.parts):
            start = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                EmbeddingStore(Path(folder)).vectors(encoder, "passage", [images[index] for index in part], progress=bar.advance)
            middle = time.perf_counter()
            with torch.inference_mode():
                for batch in torch.from_numpy(part).split(16):
                    network.features(pixels[batch])
            seconds["files"] += middle - start
            seconds["pixels"] += time.perf_counter() - middle
    for name, spent in seconds.items():
        print(f"{name}: {len(images) / spent:.1f} images a second")
    print(f"ratio: {seconds['pixels'] / seconds['files']:.2f} (goal: 0.8 at least)")


if __name__ == "__main__":
    main()
