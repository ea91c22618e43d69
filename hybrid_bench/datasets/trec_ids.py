"""TREC ids: passage ids that are unique in a pool of several collections."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_BETWEEN = "-"
#: No name of a collection holds it, so that it separates names of which one begins with another: ``zh`` and ``zh-hans``.
_BETWEEN_ALIKE = "--"
#: Characters of an id, at most: readers of tables refuse longer cells.
_LONGEST = 10_000


def separator(collections: Sequence[str]) -> str:
    """What stands between a collection's name and the passage's own id in the TREC ids of these collections."""
    alike = any(one != other and other.startswith(one + _BETWEEN) for one in collections for other in collections)
    return _BETWEEN_ALIKE if alike else _BETWEEN


def trec_id(collection: str, doc_id: str, between: str = _BETWEEN) -> str:
    """``de-0012``: the id of a passage where ids of several collections may be equal.

    Args:
        collection: its name.
        doc_id: the passage's id in the collection.
        between: the :func:`separator` of all collections.
    """
    return f"{collection}{between}{doc_id}"


def doc_id_in(collection: str, trec_id: str, between: str = _BETWEEN) -> str | None:
    """The id that a passage has in a collection; None if the TREC id is not of that collection."""
    prefix = f"{collection}{between}"
    return trec_id[len(prefix) :] if trec_id.startswith(prefix) else None


def problem_of(name: str) -> str:
    """Why a text cannot be the id of a query or passage; empty if it can."""
    if not name:
        return "its id is empty"
    if len(name) > _LONGEST:
        return f"its id has {len(name):,} characters; {_LONGEST:,} are allowed"
    if "\0" in name:
        return "its id holds the character U+0000, at which other programs and arrays of ids end it"
    if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
        return "its id holds half of a surrogate pair, which UTF-8 cannot"
    return ""


def in_a_run(name: str) -> bool:
    """Whether a TREC run can hold an id: white space would be two columns."""
    return name.split() == [name]


def look(name: str) -> str:
    """What an id looks like to a reader: equal for ids that differ only in Unicode form, quotes or white space around them."""
    return unicodedata.normalize("NFC", name).strip(" \t'\"\ufeff")
