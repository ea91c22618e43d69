"""Images with captions in several languages: Multi30k, xFlickr&CO, XTD10 and Crossmodal-3600; the images are the user's own.

``captions.toml`` names the published files of captions. Those of Crossmodal-3600 come with its images, see :func:`crossmodal`.
"""

from __future__ import annotations

import csv
import functools
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from hybrid_bench.datasets.sources import published
from hybrid_bench.errors import HybridBenchError

_REMEDY = "Delete it and run again, so that it is downloaded again."

#: Codes in the files of Crossmodal-3600 that are not the language's BCP-47 tag.
XM3600 = (
    "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fil", "fr", "he", "hi", "hr", "hu", "id", "it", "ja", "ko", "mi",
    "nl", "no", "pl", "pt", "quz", "ro", "ru", "sv", "sw", "te", "th", "tr", "uk", "vi", "zh",
)  # fmt: skip


class Caption(NamedTuple):
    """A caption of an image.

    Attributes:
        id: the image's; of several captions in one language the second and further ones end with ``-2``, ``-3``, ...
        image: the id of its image.
        text: may be empty, as some of xFlickr&CO are.
    """

    id: str
    image: str
    text: str


class PinnedImage(NamedTuple):
    """A file of the images that are at hand for :data:`multi30k-flickr8k`."""

    split: str
    file: str
    sha256: str


@functools.cache
def flickr8k() -> tuple[PinnedImage, ...]:
    """The images of Multi30k's test_2016 and val that are in Flickr8k, with the hash of their copies of 224 x 224 pixels."""
    text = resources.files(__package__).joinpath("multi30k-flickr8k.tsv").read_text(encoding="utf-8")
    return tuple(PinnedImage(**row) for row in csv.DictReader(text.splitlines(), delimiter="\t"))


def names(name: str) -> tuple[str, ...]:
    """The sets of captions of a dataset: languages, those by machine translation with ``-mt`` behind them."""
    return XM3600 if name == "xm3600" else tuple(published.source("captions")[name]["captions"])


def licence(name: str) -> str:
    """The licence of a dataset's captions."""
    return "CC BY 4.0" if name == "xm3600" else str(published.source("captions")[name]["licence"])


def citation(name: str) -> str:
    """The paper of a dataset, in BibTeX."""
    return str(published.source("captions")["citations"][name.partition("/")[0]]).strip()


@functools.cache
def image_files(name: str) -> tuple[str, ...]:
    """The names of a dataset's image files, in the order of its captions."""
    if name == "xflickrco":
        return tuple(image for image, _ in _annotations(_file(name, names(name)[0])))
    source = published.source("captions")[name]
    path = published.file("captions", source["images"][0], f"{name}/images.txt", source["images"][1])
    return tuple(line.partition("#")[0] for line in _lines(path))


@functools.cache
def load(name: str, of: str) -> Sequence[Caption]:
    """The captions of a set, in the order of the images.

    Args:
        name: of the dataset, as in ``captions.toml``.
        of: one of :func:`names`.

    Raises:
        HybridBenchError: if the file cannot be had or is damaged.
    """
    path = _file(name, of)
    if name == "xflickrco":
        return list(numbered(_annotations(path)))
    texts, images = _lines(path), image_files(name)
    if len(texts) != len(images):
        raise HybridBenchError(f"{path} has {len(texts)} lines for {len(images)} images", _REMEDY)
    return list(numbered((image, [text]) for image, text in zip(images, texts, strict=True)))


def stem(file: str) -> str:
    """The id of an image: the name of its file without the ending."""
    return file.rpartition(".")[0] or file


def numbered(captions: Iterator[tuple[str, Sequence[str]]]) -> Iterator[Caption]:
    """Give captions their ids.

    Args:
        captions: names of image files, each with its captions.
    """
    for file, texts in captions:
        image = stem(file)
        for number, text in enumerate(texts, start=1):
            yield Caption(image if number == 1 else f"{image}-{number}", image, text.strip())


def crossmodal(path: Path) -> Mapping[str, list[Caption]]:
    """The captions of Crossmodal-3600, by language.

    Args:
        path: ``captions.jsonl``, as published: https://google.github.io/crossmodal-3600/web-data/captions.zip.

    Raises:
        HybridBenchError: that names the line at fault.
    """
    found: dict[str, list[Caption]] = {language: [] for language in XM3600}
    seen: set[str] = set()
    number = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):  # noqa: B007 - errors name it
                record = json.loads(line)
                image = record["image/key"]
                if not isinstance(image, str) or not image or image in seen:
                    raise ValueError(f"the image {str(image)[:60]!a} is malformed or there twice")
                seen.add(image)
                for language in XM3600:
                    texts = record[language]["caption"]
                    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
                        raise ValueError(f"the captions in {language} are no texts")
                    found[language] += numbered(iter([(f"{image}.jpg", texts)]))
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror or error}") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise HybridBenchError(
            f"{path}, line {number}: not captions of Crossmodal-3600: {type(error).__name__}: {str(error)[:200]!a}",
            "Copy captions.jsonl again, from https://google.github.io/crossmodal-3600/web-data/captions.zip",
        ) from error
    if not seen:
        raise HybridBenchError(f"{path} has no captions", "Copy it again.")
    return found


def _file(name: str, of: str) -> Path:
    url, md5 = published.source("captions")[name]["captions"][of]
    return published.file("captions", url, f"{name}/{of}.{'gz' if url.endswith('.gz') else 'txt'}", md5)


def _lines(path: Path) -> list[str]:
    """The lines of a file, without one behind the last newline."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return content.decode("utf-8-sig").removesuffix("\n").split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise HybridBenchError(f"{path} is damaged: {error}", _REMEDY) from error


def _annotations(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The images and captions of a file of IGLUE, whose lines are ``{"sentences": [...], "id": ..., "img_path": ...}``."""
    for number, line in enumerate(_lines(path), start=1):
        try:
            record = json.loads(line)
            file, texts = record["img_path"], record["sentences"]
            if not isinstance(file, str) or not all(isinstance(text, str) for text in texts):
                raise ValueError("no texts")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise HybridBenchError(f"{path}, line {number}: not captions of IGLUE: {error}", _REMEDY) from error
        yield file, texts
