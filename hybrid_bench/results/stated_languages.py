"""Languages of a suite that an encoder's card leaves out, and what is left of a result without them."""

from __future__ import annotations

from collections.abc import Iterable

import langcodes

from hybrid_bench.results.record import Result


def left_out(result: Result) -> tuple[str, ...]:
    """The languages of the query sets that the card does not list, in order; none if the card lists no languages at all.

    Tags are compared by their language alone: a card that lists ``zh`` or ``zh-Hans`` covers ``zh-hant``.
    """
    stated = result.encoder.get("languages") or result.encoder.get("training_languages") or ()
    found = dict.fromkeys(of.language for of in result.query_sets.values() if of.language)
    return tuple(language for language in found if stated and not covered(language, stated))


def covered(language: str, stated: Iterable[str]) -> bool:
    """Whether a list of languages has one, whatever its script and region: ``zh`` and ``zh-Hans`` cover ``zh-hant``."""
    return _language(language) in set(map(_language, stated))


def without(result: Result, languages: Iterable[str]) -> Result:
    """The same result with only the settings whose queries, and whose passages if they are of one collection, are of others.

    A pool of several collections stays as it was ranked, with the passages of all languages.
    """
    gone = set(languages)
    attributes = {**result.query_sets, **result.collections}
    outside = {name for name, of in attributes.items() if of.language in gone}
    rows = tuple(row for row in result.rows if row.query_set not in outside and row.pool not in outside)
    return result.model_copy(update={"rows": rows})


def _language(tag: str) -> str:
    """The language of a BCP-47 tag; a tag that is none, on a card from elsewhere, stands for itself."""
    try:
        return langcodes.Language.get(tag).language or tag
    except ValueError:
        return tag
