"""Images with captions in several languages: which there are, their captions, and the user's own copies of the images."""

from __future__ import annotations

import functools
from collections.abc import Collection as Group
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.datasets import image_files
from hybrid_bench.datasets.sources import captions as sources
from hybrid_bench.datasets.sources.captions import Caption
from hybrid_bench.errors import HybridBenchError, UnknownNameError

_FLICKR30K = "https://shannon.cs.illinois.edu/DenotationGraph/ (Flickr30k)"
_COCO = "https://cocodataset.org/#download (train2014 and val2014)"
_MACHINE = "The captions in languages with -mt are machine translations."


@dataclass(frozen=True)
class Captioned:
    """What the suites of a dataset have in common.

    Attributes:
        dataset: by which ``images add`` knows its images.
        captions: name of its captions, see :mod:`hybrid_bench.datasets.sources.captions`.
        description: one line.
        source: where the images are to be had.
        kept: ids of the images of a named subset; None for all.
        note: what a reader of a score has to know.
    """

    dataset: str
    captions: str
    description: str
    source: str
    kept: Group[str] | None = None
    note: str = ""

    def image_ids(self) -> list[str]:
        """The ids of its images, in their order."""
        if self.captions == "xm3600":
            return [one.image for one in self.read("en") if one.id == one.image]
        ids = [sources.stem(file) for file in sources.image_files(self.captions)]
        return ids if self.kept is None else [image for image in ids if image in self.kept]

    def read(self, of: str) -> Sequence[Caption]:
        """The captions of a language.

        Raises:
            HybridBenchError: if the file cannot be had or is damaged.
        """
        if self.captions == "xm3600":
            return _crossmodal()[of]
        found = sources.load(self.captions, of)
        return found if self.kept is None else [one for one in found if one.image in self.kept]

    @property
    def pinned(self) -> dict[str, str]:
        """Id to the sha256 of the images whose copies are known."""
        return {one.file.partition("_")[0]: one.sha256 for one in sources.flickr8k()} if self.kept is not None else {}


def _flickr8k(captions: str, title: str, split: str = "test_2016", note: str = _MACHINE) -> Captioned:
    kept = frozenset(one.file.partition("_")[0] for one in sources.flickr8k() if one.split == split)
    return Captioned(
        "multi30k-flickr8k",
        captions,
        f"the {len(kept)} images of {title} that are in Flickr8k",
        "Flickr8k, https://hockenmaier.cs.illinois.edu/8k-pictures.html",
        kept,
        f"A subset of {title}: {len(kept)} images, so that scores are higher than on the whole. {note}".strip(),
    )


def datasets() -> dict[str, Captioned]:
    """Name of suites to what they are."""
    found = {
        f"multi30k/{split}": Captioned(
            "multi30k", f"multi30k/{split}", f"Multi30k {split}: images and their captions", source, note=_MACHINE
        )
        for split, source in {
            "test_2016": _FLICKR30K,
            "test_2017": "https://github.com/multi30k/dataset",
            "test_2018": "https://github.com/multi30k/dataset",
            "mscoco": _COCO,
            "val": _FLICKR30K,
        }.items()
    }
    found = {"multi30k": found["multi30k/test_2016"]} | found
    found |= {
        "multi30k-flickr8k": _flickr8k("multi30k/test_2016", "Multi30k test_2016"),
        "multi30k-flickr8k/val": _flickr8k("multi30k/val", "Multi30k val", "val"),
        "xflickrco-flickr8k": _flickr8k("xflickrco", "xFlickr&CO", note=""),
    }
    return found | {
        "xflickrco": Captioned(
            "xflickrco", "xflickrco", "xFlickr&CO of IGLUE: images of Flickr30k and COCO", f"{_FLICKR30K} and {_COCO}"
        ),
        "xtd10": Captioned("xtd10", "xtd10", "XTD10: 1,000 images of COCO", _COCO),
        "xm3600": Captioned(
            "xm3600",
            "xm3600",
            "Crossmodal-3600: images of 36 regions with captions by native speakers",
            "https://google.github.io/crossmodal-3600 (images.tgz and captions.zip)",
        ),
    }


@functools.cache
def _crossmodal() -> Mapping[str, list[Caption]]:
    """The captions that lie beside the images of Crossmodal-3600."""
    paths = image_files.located("xm3600").values()
    folders = dict.fromkeys(folder for path in paths for folder in (path.parent, path.parent.parent))
    for folder in folders:
        if (folder / "captions.jsonl").is_file():
            return sources.crossmodal(folder / "captions.jsonl")
    raise HybridBenchError(
        "xm3600 needs its images, and captions.jsonl in their folder or the one above",
        "Get them from https://google.github.io/crossmodal-3600, then run: hybrid-bench images add xm3600 --from FOLDER",
    )


def captions_of(name: str, of: str) -> Sequence[Caption]:
    """The captions of a dataset in one language: records with the ids of the caption and its image, and the text.

    Args:
        name: of a suite, or of Multi30k's split for training: ``multi30k/train``, also called ``multi30k-flickr8k/train``.
        of: the language; with ``-mt`` for machine translations.

    Returns:
        The captions, in the order of the file.

    Raises:
        UnknownNameError: if there are no such captions.
        HybridBenchError: if the file cannot be had or is damaged.
    """
    found = {"multi30k/train": "multi30k/train", "multi30k-flickr8k/train": "multi30k/train"}
    known = datasets()
    if name not in known and name not in found:
        raise UnknownNameError("captions", name, [*known, *found])
    inside = sources.names(found.get(name) or known[name].captions)
    if of not in inside:
        raise UnknownNameError(f"language of {name}", of, inside)
    return sources.load(found[name], of) if name in found else known[name].read(of)


def add_images(dataset: str, folder: Path) -> image_files.Added:
    """Note where the images of a dataset are: of all its suites.

    Raises:
        HybridBenchError: if there is no such dataset, or none of the images is in the folder.
    """
    of_suites = {name: of for name, of in datasets().items() if of.dataset == dataset}
    if not of_suites:
        raise UnknownNameError("dataset of images", dataset, {of.dataset for of in datasets().values()})
    if dataset == "xm3600":
        path = next((path for path in (folder / "captions.jsonl", folder.parent / "captions.jsonl") if path.is_file()), None)
        if path is None:
            raise HybridBenchError(
                f"{folder} has no captions.jsonl", "It is in https://google.github.io/crossmodal-3600/web-data/captions.zip"
            )
        wanted: list[str] = [one.image for one in sources.crossmodal(path)["en"]]
        return image_files.add(dataset, wanted, folder)
    wanted = [image for of in of_suites.values() for image in of.image_ids()]
    pinned = {image: sha for of in of_suites.values() for image, sha in of.pinned.items()}
    return image_files.add(dataset, wanted, folder, pinned)
