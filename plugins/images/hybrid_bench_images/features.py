"""Image features by the names of images: precomputed, or computed from images when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hybrid_bench import HybridBenchError, Image
from hybrid_bench.plugin import Progress, find_images
from hybrid_bench_images import lite0

_IMAGES_AT_ONCE = 128
#: Names that an error lists.
_LISTED = 5


class Features:
    """Image features by name: those of a file, or computed from images when they are asked for.

    Attributes:
        row: name of an image, without the ending of its file, to its row.
        sha256: of the files; empty for images.
    """

    def __init__(
        self, row: dict[str, int], features: NDArray[np.float32] | None, images: Sequence[Image] = (), sha256: str = ""
    ) -> None:
        self.row = row
        self.sha256 = sha256
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
            found = np.load(features, mmap_mode="r", allow_pickle=False)  # a header of more rows than the file has is an error
            lines = list(filter(None, map(str.strip, names.read_text(encoding="utf-8").split("\n"))))
            digest = hashlib.sha256(features.read_bytes() + names.read_bytes()).hexdigest()
        except Exception as error:  # numpy raises errors of many types for damaged headers
            raise HybridBenchError(f"cannot read the features {features} and {names}: {str(error)[:200]}") from error
        if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype.kind != "f":
            raise HybridBenchError(
                f"{features} is not an array of (images, {lite0.FEATURES}) floating point numbers",
                "Save the features as one array with numpy.save.",
            )
        if found.shape[1] != lite0.FEATURES:
            raise HybridBenchError(
                f"{features} has {found.shape[1]:,} features an image, and EfficientNet-Lite0 has {lite0.FEATURES:,}",
                "Give the features of EfficientNet-Lite0, before its classes.",
            )
        if len(found) != len(lines):
            raise HybridBenchError(
                f"{features} has {len(found):,} rows, and {names} has {len(lines):,} names", "Give a name a row, in their order."
            )
        values = found.astype(np.float32)
        bad = ~(np.isfinite(values) & (values >= 0)).all(axis=1)
        if bad.any():
            raise HybridBenchError(
                f"{features} has {int(bad.sum()):,} rows with negative numbers, NaN or infinity, first of {lines[bad.argmax()]}",
                "Features of EfficientNet-Lite0 are 0 or more: give them as they are.",
            )
        row: dict[str, int] = {}
        for number, line in enumerate(lines):
            stem = Path(line).stem
            for image in (stem, stem.partition("_")[0]):
                row.setdefault(image, number)
        return cls(row, values, sha256=digest)

    @classmethod
    def of_folders(cls, folders: Sequence[Path]) -> Features:
        """Those of the images in folders; of two with one name, that of the first.

        Raises:
            HybridBenchError: if there is no folder.
        """
        if not folders:
            raise HybridBenchError(
                "there are no images to fit",
                "Name their folder with --from, or note it with `hybrid-bench images add`, or name --features and --names.",
            )
        found: dict[str, Path] = {}
        for folder in folders:
            found = find_images(folder) | found
        return cls({name: number for number, name in enumerate(found)}, None, [Image.from_path(path) for path in found.values()])

    def need(self, names: Sequence[str]) -> None:
        """Raise HybridBenchError if some names have no features: how many, and which."""
        if missing := [name for name in names if name not in self.row]:
            listed = ", ".join(missing[:_LISTED]) + (", ..." if len(missing) > _LISTED else "")
            raise HybridBenchError(
                f"{len(names):,} images are needed, and {len(missing):,} have no features: {listed}",
                "Add their features, and their names, which are those of the files without their endings.",
            )

    def of(self, names: Sequence[str], progress: Progress) -> NDArray[np.float32]:
        """(names, features).

        Raises:
            HybridBenchError: that says how many names have none, and which.
        """
        self.need(names)
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
