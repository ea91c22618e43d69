"""From images and captions to an encoder folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hybrid_bench import HybridBenchError, Image, load_encoder
from hybrid_bench.plugin import EmbeddingStore, Progress, cache, captions_of, find_images, toml
from hybrid_bench_images import lite0
from hybrid_bench_images.encoder import weights_of
from hybrid_bench_images.fitting import fit
from hybrid_bench_images.projection import Projection

CARD = "encoder.toml"
_IMAGES_AT_ONCE = 128


def train(
    encoder: str,
    captions: str,
    out: Path,
    *,
    folder: Path | None = None,
    features: Path | None = None,
    names: Path | None = None,
    seed: int = 0,
    share: float = 1.0,
    name: str = "",
    progress: Progress,
) -> str:
    """Fit a projection and write the folder of the encoder.

    Args:
        encoder: the text encoder.
        captions: dataset, split and languages, ``multi30k-flickr8k/train/en``.
        out: the folder; must not hold an encoder yet.
        folder: of the images; or else
        features: their features, and
        names: their names.
        seed: of the images that are held out to choose the penalty, and of those that are drawn.
        share: of the images that are drawn, to see how much a projection depends on them.
        name: of the new encoder.
        progress: where to report.

    Returns:
        What was fitted, in words.

    Raises:
        HybridBenchError: if an input is missing or malformed, or no caption is of an image that is there.
    """
    if (out / CARD).exists():
        raise HybridBenchError(f"{out} has an encoder already", "Choose another folder with --out.")
    if not 0 < share <= 1:
        raise HybridBenchError(f"{share} is not a share of the images", "Use a number above 0, up to 1.")
    dataset, _, languages = captions.rpartition("/")
    texts_of = {of: captions_of(dataset, of) for of in languages.split(",")}
    pairs = _Features.read(features, names) if features or names else _Features.of_folder(folder)
    kept = [one.image for one in next(iter(texts_of.values())) if one.image in pairs.row and one.id == one.image]
    if len(kept) < 100:
        raise HybridBenchError(
            f"only {len(kept)} images have a caption in {captions}", "Name the images of these captions; a hundred is the least."
        )
    texts = load_encoder(encoder)
    x = pairs.of(kept, progress)
    store = EmbeddingStore(cache.home() / "embeddings")
    targets = []
    with progress:
        for of, found in texts_of.items():
            of_image = {one.image: one.text for one in found if one.id == one.image}
            progress.start(f"captions {of}", len(kept))
            targets.append(store.vectors(texts, "query", [of_image[image] for image in kept], progress=progress.advance))
    drawn = np.sort(np.random.default_rng(seed).permutation(len(kept))[: max(100, round(share * len(kept)))])
    fitted, penalty, recall = fit(
        np.concatenate([x[drawn]] * len(targets)), np.concatenate([one[drawn] for one in targets]), seed
    )
    about = {
        "base": encoder,
        "base_fingerprint": weights_of(texts.fingerprint),
        "features": "lite0",
        "captions": captions,
        "images": str(len(drawn)),
        "languages": languages,
        "method": "ridge",
        "penalty": str(penalty),
        "seed": str(seed),
    }
    Projection(fitted.weight, fitted.bias, about).save(out)
    card = {
        "name": name or f"{texts.card.name}+lite0",
        "description": f"{texts.card.name} with EfficientNet-Lite0 image features projected into its space",
        "backend": "projection",
        "model": ".",
        "base": encoder,
        "modalities": ["text", "image"],
        "training_data": f"{len(drawn):,} images with captions of {captions} (ridge, penalty {penalty}, seed {seed}).",
        "licence": "research only: the captions and images that it was fitted to",
    }
    (out / CARD).write_text(toml.dumps(card), encoding="utf-8")
    return f"fitted {len(drawn):,} images, penalty {penalty}: R@10 {recall:.3f} on the tenth that was held out"


class _Features:
    """Image features by name: those of a file, or computed from images when they are asked for."""

    def __init__(self, row: dict[str, int], features: NDArray[np.float32] | None, images: Sequence[Image] = ()) -> None:
        self.row = row
        self._features = features
        self._images = images

    @classmethod
    def read(cls, features: Path | None, names: Path | None) -> _Features:
        if features is None or names is None:
            raise HybridBenchError("features need the names of their images", "Give --features and --names together.")
        try:
            found = np.load(features, allow_pickle=False)
            lines = names.read_text(encoding="utf-8").split()
        except (OSError, ValueError, EOFError) as error:
            raise HybridBenchError(f"cannot read the features {features} and {names}: {str(error)[:200]}") from error
        shaped = (
            isinstance(found, np.ndarray) and found.ndim == 2 and found.shape[1] == lite0.FEATURES and found.dtype.kind == "f"
        )
        if not shaped or len(found) != len(lines) or not np.isfinite(found).all() or (found < 0).any():
            raise HybridBenchError(
                f"{features} is not an array of ({len(lines)}, {lite0.FEATURES}) numbers from 0, a row a name in {names}",
                "Save the features as one array with numpy.save.",
            )
        row: dict[str, int] = {}
        for number, line in enumerate(lines):
            stem = Path(line).stem
            for image in (stem, stem.partition("_")[0]):
                row.setdefault(image, number)
        return cls(row, found.astype(np.float32))

    @classmethod
    def of_folder(cls, folder: Path | None) -> _Features:
        if folder is None:
            raise HybridBenchError("there are no images to fit", "Name their folder with --from, or --features and --names.")
        found = find_images(folder)
        return cls({name: number for number, name in enumerate(found)}, None, [Image.from_path(path) for path in found.values()])

    def of(self, names: Sequence[str], progress: Progress) -> NDArray[np.float32]:
        """(names, features)."""
        rows = [self.row[name] for name in names]
        if self._features is not None:
            return self._features[rows]
        parts = []
        with progress:
            progress.start("images", len(rows))
            for start in range(0, len(rows), _IMAGES_AT_ONCE):
                part = rows[start : start + _IMAGES_AT_ONCE]
                parts.append(lite0.features([self._images[row] for row in part]))
                progress.advance(len(part))
        return np.concatenate(parts)
