"""From images and captions to an encoder folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from hybrid_bench.plugin import EmbeddingStore, Progress, Strategy, cache, captions_of, image_folders, toml
from hybrid_bench_images.encoder import weights_of
from hybrid_bench_images.features import Features
from hybrid_bench_images.fitting import fit
from hybrid_bench_images.projection import prepared

CARD = "encoder.toml"
_FEWEST = 100


#: Of maps; the first needs no batches.
METHODS = ("ridge", "linear", "hidden")


@dataclass(frozen=True)
class Training:
    """How a map is trained.

    Attributes:
        method: ``linear`` starts from the map of ridge regression, ``hidden`` from random weights.
        strategy: which languages the captions of a batch have.
        steps: batches.
        batch_size: images in a batch.
        learning_rate: of AdamW at the start; it falls to 0 as a cosine.
        temperature: cosines are divided by it.
    """

    method: str
    strategy: Strategy
    steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 1e-3
    temperature: float = 0.05

    def about(self) -> dict[str, str]:
        """What a card says of it."""
        return {
            "method": self.method,
            "batches": str(self.strategy),
            "steps": str(self.steps),
            "batch size": str(self.batch_size),
            "learning rate": f"{self.learning_rate:g}",
            "temperature": f"{self.temperature:g}",
        }


@dataclass(frozen=True)
class Sources:
    """Where the images of captions come from.

    Attributes:
        folder: of images; or else
        features: an array of their features, and
        names: the names of the images, one a line. Without any, the folders that ``hybrid-bench images add`` has noted.
    """

    folder: Path | None = None
    features: Path | None = None
    names: Path | None = None

    def read(self, dataset: str) -> Features:
        """The features by name, of images of a dataset."""
        if self.features or self.names:
            return Features.read(self.features, self.names)
        return Features.of_folders([self.folder] if self.folder else image_folders(dataset))


def train(
    encoder: str,
    captions: str,
    out: Path,
    images: Sources,
    *,
    seed: int = 0,
    folds: int = 0,
    how: Training | None = None,
    name: str = "",
    progress: Progress,
) -> Iterator[str]:
    """Fit projections and write the folders of their encoders.

    Args:
        encoder: the text encoder.
        captions: dataset, split and languages, ``multi30k-flickr8k/train/en``.
        out: the folder; must not hold an encoder yet.
        images: of the captions.
        seed: of all that is drawn: the parts of the images, those that are held out to judge by, batches, weights.
        folds: 0, or how many projections are fitted, each without another part of the images; ``out`` then has a folder of each.
        how: a contrastive training; None: ridge regression.
        name: of the new encoder.
        progress: where to report.

    Yields:
        What was fitted, in words, a line for each projection.

    Raises:
        HybridBenchError: if an input is missing or malformed, or too few captions are of an image that is there.
    """
    if folds == 1 or folds < 0:
        raise HybridBenchError(f"{folds} parts of the images are too few", "Use --folds 2 or more, or leave it out.")
    folders = [out / str(number + 1) for number in range(folds)] or [out]
    for folder in folders:
        if (folder / CARD).exists():
            raise HybridBenchError(f"{folder} has an encoder already", "Choose another folder with --out.")
    found = images.read(captions.partition("/")[0])
    texts = load_encoder(encoder)
    kept, captioned = _captioned(captions, found)
    features = prepared(found.of(kept, progress))
    targets = dict(_vectors(texts, captioned, progress))
    about = {
        "base": encoder,
        "base_fingerprint": weights_of(texts.fingerprint),
        "features": "lite0",
        "captions": captions,
        "languages": ",".join(targets),
        "seed": str(seed),
    }
    left_out = np.array_split(np.random.default_rng(seed).permutation(len(kept)), folds) if folds else [np.empty(0, np.int64)]
    for number, (folder, part) in enumerate(zip(folders, left_out, strict=True)):
        rows = np.setdiff1d(np.arange(len(kept)), part)
        own_targets = {of: vectors[rows] for of, vectors in targets.items()}
        if how is None:
            fitted = fit(features[rows], own_targets, seed)
        else:
            from hybrid_bench_images import contrastive

            own_captions = {of: [texts_of[row] for row in rows] for of, texts_of in captioned.items()}
            fitted = contrastive.train(features[rows], own_targets, own_captions, seed, how, progress)
        own = about | fitted.about | {"images": str(len(rows))}
        own |= {"left out": f"part {number + 1} of {folds}"} if folds else {}
        dataclasses.replace(fitted.projection, about=own).save(folder)
        _write_card(folder, name or f"{texts.card.name}+lite0", texts, own, fitted.about)
        yield f"{folder}: {len(rows):,} images, {_words(fitted.about)}: R@10 {fitted.recall:.3f} on the tenth that was held out"


def _captioned(captions: str, found: Features) -> tuple[list[str], dict[str, list[str]]]:
    """The images that are there with a caption in each language, and by language their first captions."""
    dataset, _, languages = captions.rpartition("/")
    first = {of: {one.image: one.text for one in captions_of(dataset, of) if one.id == one.image} for of in languages.split(",")}
    kept = [
        image for image in next(iter(first.values())) if image in found.row and all(image in texts for texts in first.values())
    ]
    if len(kept) < _FEWEST:
        raise HybridBenchError(
            f"only {len(kept)} images have a caption in {captions}", "Name the images of these captions; a hundred is the least."
        )
    return kept, {of: [texts[image] for image in kept] for of, texts in first.items()}


def _vectors(
    encoder: Encoder, captioned: Mapping[str, Sequence[str]], progress: Progress
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Language to the vectors of its captions, in order of the images."""
    store = EmbeddingStore(cache.home() / "embeddings")
    with progress:
        for of, texts in captioned.items():
            progress.start(f"captions {of}", len(texts))
            yield of, store.vectors(encoder, "query", texts, progress=progress.advance)


def _words(about: Mapping[str, str]) -> str:
    """``ridge, penalty 0.3``."""
    return ", ".join(value if key == "method" else f"{key} {value}" for key, value in about.items())


def _write_card(folder: Path, name: str, texts: Encoder, about: Mapping[str, str], how: Mapping[str, str]) -> None:
    chosen = {key: about[key] for key in ("seed", "left out") if key in about}
    card = {
        "name": name,
        "description": f"{texts.card.name} with EfficientNet-Lite0 image features projected into its space",
        "backend": "projection",
        "model": ".",
        "base": about["base"],
        "modalities": ["text", "image"],
        "training_data": f"{int(about['images']):,} images with captions of {about['captions']} ({_words({**how, **chosen})}).",
        "licence": "research only: the captions and images that it was fitted to",
    }
    (folder / CARD).write_text(toml.dumps(card), encoding="utf-8")
