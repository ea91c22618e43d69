"""The user's own copies of the images of a dataset, which are never downloaded: where they are, and which are missing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import atomic, cache
from hybrid_bench.support.hashing import sha256

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp"})
#: Names that an error lists.
_LISTED = 3


@dataclass(frozen=True)
class Added:
    """What :func:`add` has found.

    Attributes:
        found: ids of images that are in the folder.
        missing: ids of images that are not.
        differing: ids of those found whose bytes are not those of the pinned copy.
    """

    found: Sequence[str]
    missing: Sequence[str]
    differing: Sequence[str]


def add(dataset: str, wanted: Iterable[str], folder: Path, pinned: Mapping[str, str] | None = None) -> Added:
    """Look for the images of a dataset in a folder and its subfolders, and note where they are.

    Nothing is copied. Images that were noted before stay, but for those that are in this folder too.

    Args:
        dataset: its name.
        wanted: ids of images: names of files without their ending; in Flickr8k's names, which are longer, their first part.
        folder: to look in.
        pinned: id to the sha256 of the file, where it is known.

    Raises:
        HybridBenchError: if there is no such folder, or none of the images is in it.
    """
    if not folder.is_dir():
        raise HybridBenchError(f"{folder} is not a folder", "Name the folder that has the images.")
    ids = list(dict.fromkeys(wanted))
    inside = find_images(folder)
    found = {name: inside[name].absolute() for name in ids if name in inside}
    if not found:
        raise HybridBenchError(
            f"{folder} has none of the {len(ids):,} images of {dataset}",
            f"They are files such as {listed(ids)} with one of the endings {' '.join(sorted(ENDINGS))}.",
        )
    differing = [name for name, path in found.items() if pinned and name in pinned and sha256(path) != pinned[name]]
    known = located(dataset) | found
    merged = {name: os.fspath(path) for name, path in known.items()}
    index = _index(dataset)
    index.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(index, (json.dumps(merged, indent=0, sort_keys=True) + "\n").encode())
    return Added(list(found), [name for name in ids if name not in known], differing)


def located(dataset: str) -> dict[str, Path]:
    """Id to the path of the images that :func:`add` has noted and that are still there.

    Raises:
        HybridBenchError: if the notes are damaged.
    """
    index = _index(dataset)
    if not index.is_file():
        return {}
    try:
        noted = json.loads(index.read_text(encoding="utf-8"))
        paths = {str(name): Path(path) for name, path in noted.items()}
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise HybridBenchError(
            f"{index} is damaged: {str(error)[:100]}", f"Delete it, and run: hybrid-bench images add {dataset} --from FOLDER"
        ) from error
    return {name: path for name, path in paths.items() if path.is_file()}


def image_folders(dataset: str) -> list[Path]:
    """The folders of the images that ``hybrid-bench images add`` has noted: others of the dataset lie there too, as a rule.

    Args:
        dataset: its name.

    Returns:
        Each folder once, sorted; none if nothing was noted.

    Raises:
        HybridBenchError: if the notes are damaged.
    """
    return sorted({path.parent for path in located(dataset).values()})


def need(dataset: str, suite: str, wanted: Sequence[str], source: str) -> dict[str, Path]:
    """The paths of images, all of them.

    Args:
        dataset: whose images they are.
        suite: that needs them.
        wanted: their ids.
        source: where they are to be had.

    Raises:
        HybridBenchError: that says which are missing, how many, and where to get them.
    """
    found = located(dataset)
    missing = [name for name in wanted if name not in found]
    if missing:
        some = " or use those that are there: --available" if len(missing) < len(wanted) else ""
        raise HybridBenchError(
            f"{suite} needs {len(wanted):,} images, and {len(missing):,} are missing: {listed(missing)}",
            f"Get them from {source}, then run: hybrid-bench images add {dataset} --from FOLDER{',' if some else ''}{some}",
        )
    return {name: found[name] for name in wanted}


def listed(names: Sequence[str]) -> str:
    """The first of some names, for an error."""
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")


def _index(dataset: str) -> Path:
    return cache.home() / "images" / f"{dataset}.json"


def find_images(folder: Path) -> dict[str, Path]:
    """Id to the path of the image files in a folder and its subfolders.

    The id is the name without its ending; a file of Flickr8k, ``1007129816_e794419615.jpg``, also has the id ``1007129816``.

    Args:
        folder: that is searched; symbolic links to folders are not followed.

    Returns:
        Id to path; of two files with one id, the one that is found first.
    """
    found: dict[str, Path] = {}
    for parent, _, files in os.walk(folder):
        for file in sorted(files):
            path = Path(parent, file)
            if path.suffix.lower() in ENDINGS:
                found.setdefault(path.stem, path)
                if match := re.fullmatch(r"(\d+)_[0-9a-f]+", path.stem):
                    found.setdefault(match[1], path)
    return found
