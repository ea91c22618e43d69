"""Resource classes of languages by Joshi et al. 2020 (arXiv 2004.09095), 0 to 5."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import langcodes

from hybrid_bench.support.toml import loads


@functools.cache
def table() -> dict[str, Any]:
    """Source, citation, and class to its languages."""
    name = "resource_classes.toml"
    return loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"), name)


@functools.cache
def _classes() -> dict[str, int]:
    return {language: int(number) for number, languages in table()["classes"].items() for language in languages}


def resource_class(language: str | None) -> int | None:
    """The class of a BCP-47 tag's language, whatever its script or region; None if it is not in the table."""
    if language is None or not langcodes.tag_is_valid(language):
        return None
    return _classes().get(langcodes.Language.get(language, normalize=False).language or "")
