"""Image features by the names of images: precomputed, or computed from images when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hybrid_bench import HybridBenchError, Image
from hybrid_bench.plugin import Progress, find_images
from hybrid_bench_images import lite0

_IMAGES_AT_ONCE = 128


class Features:
    """Image features by name: those of a file, or computed from images when they are asked for."""

    def __init__(self, row: dict[str, int], features: NDArray[np.float32] | None, images: Sequence[Image] = ()) -> None:
        self.row = row
        self._features = features
        self._images = images

    @classmethod
    def read(cls, features: Path | None, names: Path | None) -> Features:
        """Those of an array saved by numpy, with a row for each name.

        Raises:
            HybridBenchError: if a file is missing, damaged, or they do not fit.
        """
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
    def of_folder(cls, folder: Path | None) -> Features:
        """Those of the images in a folder.

        Raises:
            HybridBenchError: if none is named, or it has no images.
        """
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
