"""Suites of images with captions in several languages: ``multi30k``, ``xflickrco``, ``xtd10``, ``xm3600``.

``multi30k-flickr8k`` and ``xflickrco-flickr8k`` are named subsets. A suite has a collection of images and, for each language, one
of captions; both are asked and searched. Each split of Multi30k is a suite (``multi30k/test_2017``). ``NAME/captions`` is a suite
without its images; ``NAME/names`` has their names instead, to score runs.
"""

from __future__ import annotations

import functools
from collections.abc import Collection as Group
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_bench.datasets import image_files
from hybrid_bench.datasets.captioned import Captioned, datasets
from hybrid_bench.datasets.images import Image
from hybrid_bench.datasets.parts import Collection, ImagePassage, ImageQuery, Judgement, QuerySet
from hybrid_bench.datasets.settings import ALL, Setting, image_settings
from hybrid_bench.datasets.sources import captions as sources
from hybrid_bench.datasets.sources.captions import Caption
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    from ir_datasets.formats import GenericDoc, GenericQuery

#: Name of the collection and of the query set of images.
IMAGES = "images"
#: Recall of all relevant items (R@k), and whether one is found (Success@k), which papers on captions call R@k too.
MEASURES = ("R@1", "R@5", "R@10", "Success@1", "Success@5", "Success@10", "nDCG@10", "RR")
_NAMES = "The images stand by their names alone."


def resolver(name: str) -> Suite | None:
    """``multi30k/test_2017`` and the like, ``NAME/captions``, and ``NAME/names``: the images by their names, to score runs.

    Raises:
        HybridBenchError: for an ir_datasets entry of images, which as a suite would be one of texts.
    """
    if name not in datasets() and IMAGES in name.split("/")[1:]:
        for of in datasets():
            if name.startswith(f"{of}/"):
                raise HybridBenchError(
                    f"{name} is an ir_datasets entry; the suite {of} has all settings of its images", f"Use --suite {of}."
                )
    whole, _, form = name.rpartition("/")
    if name in datasets() or form not in ("captions", "names"):
        whole, form = name, ""
    return suite(whole, form) if whole in datasets() else None


def suite(name: str, form: str = "") -> Suite:
    """The suite of a dataset; nothing is read before it is needed.

    Args:
        name: one of :func:`datasets`.
        form: ``captions`` leaves out the images: captions of one language are asked on those of another. ``names`` has the names
            of the images in their place, so that runs can be scored without them. By default neither.
    """
    return _suite(f"{name}/{form}" if form else name, datasets()[name], form)


def _suite(name: str, of: Captioned, form: str = "", *, kept: Group[str] | None = None, subset_of: str = "") -> Suite:
    texts_alone = form == "captions"
    parts = [_Part(of, one, kept) for one in sources.names(of.captions)]
    images = _Images(of, name, kept, by_name=form == "names")
    collections = tuple(Collection(part.name, part.passages, language=part.language) for part in parts)
    query_sets = tuple(
        QuerySet(
            part.name,
            part.queries,
            functools.partial(_judgements, part, images, parts, texts_alone),
            language=part.language,
            may_be_empty=True,
        )
        for part in parts
    )
    settings = tuple(
        Setting(query.name, passage.name, "cross-lingual") for query in parts for passage in parts if query.name != passage.name
    )
    if not texts_alone:
        asked = QuerySet(IMAGES, images.queries, functools.partial(_captions_of, images, parts), modality="image")
        pools = [(IMAGES, "image"), *((part.name, "text") for part in parts), (ALL, "text")]
        settings = (*image_settings((*query_sets, asked), pools), *settings)
        query_sets = (*query_sets, asked)
        collections = (Collection(IMAGES, images.passages, modality="image"), *collections)
    return Suite(
        name=name,
        description=of.description,
        query_sets=query_sets,
        collections=collections,
        settings=settings,
        pools={ALL: tuple(part.name for part in parts)},
        primary="R@10",
        measures=MEASURES,
        licence=sources.licence(of.captions),
        citation=sources.citation(of.captions),
        note=f"{of.note} {_NAMES}".strip() if form == "names" else of.note,
        subset_of=subset_of,
        question_of=functools.partial(_image_of, of),
        unit="image",
        available=None if form or subset_of else functools.partial(_available, name, of),
        by_name=None if form or subset_of else functools.partial(_suite, name, of, "names"),
    )


def _image_of(of: Captioned, query_set: str, query_id: str) -> str:
    """The image of a query, whose captions in all languages are one observation."""
    return query_id if query_set == IMAGES else _images(of, query_set)[query_id]


@functools.lru_cache(maxsize=64)
def _images(of: Captioned, query_set: str) -> dict[str, str]:
    """Id of a caption to that of its image."""
    return {one.id: one.image for one in of.read(query_set)}


def _available(name: str, of: Captioned) -> Suite:
    """The suite of the images that are there, with the captions of these alone."""
    wanted = of.image_ids()
    found = image_files.located(of.dataset)
    kept = frozenset(image for image in wanted if image in found)
    if len(kept) == len(wanted):
        return _suite(name, of)
    if not kept:
        image_files.need(of.dataset, name, wanted, of.source)
    return _suite(f"{name}+{len(kept)}-of-{len(wanted)}", of, kept=kept, subset_of=name)


@dataclass(frozen=True)
class _Part:
    """The captions of one language."""

    of: Captioned
    name: str
    kept: Group[str] | None

    @property
    def language(self) -> str:
        return self.name.removesuffix("-mt")

    def captions(self) -> Iterable[Caption]:
        return (one for one in self.of.read(self.name) if self.kept is None or one.image in self.kept)

    def passages(self) -> Iterator[GenericDoc]:
        from ir_datasets.formats import GenericDoc

        return (GenericDoc(one.id, one.text) for one in self.captions())

    def queries(self) -> Iterator[GenericQuery]:
        from ir_datasets.formats import GenericQuery

        return (GenericQuery(one.id, one.text) for one in self.captions())

    def by_image(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self.captions():
            found.setdefault(one.image, []).append(one.id)
        return found


@dataclass(frozen=True)
class _Images:
    of: Captioned
    suite: str
    kept: Group[str] | None
    by_name: bool = False

    def ids(self) -> list[str]:
        return [image for image in self.of.image_ids() if self.kept is None or image in self.kept]

    def _images(self) -> dict[str, Image]:
        if self.by_name:
            return {name: Image.from_bytes(name.encode(), name) for name in self.ids()}
        files = image_files.need(self.of.dataset, self.suite, self.ids(), self.of.source)
        return {name: Image.from_path(path) for name, path in files.items()}

    def passages(self) -> Iterator[ImagePassage]:
        return (ImagePassage(name, image) for name, image in self._images().items())

    def queries(self) -> Iterator[ImageQuery]:
        return (ImageQuery(name, image) for name, image in self._images().items())


def _judgements(part: _Part, images: _Images, parts: Sequence[_Part], texts_alone: bool) -> Iterator[Judgement]:
    """Of a caption its image is relevant, and so are the image's captions in other languages."""
    others = {other.name: other.by_image() for other in parts if other.name != part.name}
    for caption in part.captions():
        if not texts_alone:
            yield Judgement(caption.id, IMAGES, caption.image, 1)
        for name, found in others.items():
            for doc_id in found.get(caption.image, ()):
                yield Judgement(caption.id, name, doc_id, 1)


def _captions_of(images: _Images, parts: Sequence[_Part]) -> Iterator[Judgement]:
    inside = set(images.ids())
    for part in parts:
        for caption in part.captions():
            if caption.image in inside:
                yield Judgement(caption.image, part.name, caption.id, 1)


MULTI30K, MULTI30K_FLICKR8K, XFLICKRCO, XFLICKRCO_FLICKR8K, XTD10, XM3600 = map(
    suite, ("multi30k", "multi30k-flickr8k", "xflickrco", "xflickrco-flickr8k", "xtd10", "xm3600")
)
