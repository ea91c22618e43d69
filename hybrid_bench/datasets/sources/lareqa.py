"""XQuAD-R and MLQA-R: question answering in several languages as sentence retrieval (LAReQA, arXiv 2004.05484)."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import TypedDict, cast

from hybrid_bench.datasets.downloads import fetch
from hybrid_bench.datasets.sources import squad
from hybrid_bench.datasets.sources.records import LanguageCollection
from hybrid_bench.support.toml import loads


class Source(TypedDict):
    """Where the files of a dataset come from."""

    url: str
    licence: str
    md5: dict[str, str]


@functools.cache
def sources() -> dict[str, Source]:
    """The sources of ``xquad-r``, its Romanian ``xquad-ro``, and ``mlqa-r``."""
    text = resources.files(__package__).joinpath("lareqa.toml").read_text(encoding="utf-8")
    return cast(dict[str, Source], loads(text, "lareqa.toml"))


@functools.cache
def load(name: str, language: str) -> LanguageCollection:
    """Download (once), check and parse one language of ``xquad-r``, ``xquad-ro`` or ``mlqa-r``."""
    return squad.read(file(name, language), language)


def file(name: str, language: str) -> Path:
    """The checked file of a language, downloaded once."""
    from ir_datasets.util import home_path

    source = sources()[name]
    return fetch(
        source["url"].format(language=language),
        Path(home_path()) / name / f"{language}.json",
        source["md5"][language],
    )
