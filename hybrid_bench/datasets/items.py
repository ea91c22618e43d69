"""From records to checked items: what an encoder reads of a passage or a query."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast, get_args

from hybrid_bench.datasets.images import Image, Modality
from hybrid_bench.datasets.parts import Item, PassageText
from hybrid_bench.errors import HybridBenchError, UnknownNameError

if TYPE_CHECKING:
    from hybrid_bench.datasets.oddities import Oddities

_SURROGATE = re.compile("[\ud800-\udfff]")


def reader(passage_text: PassageText, suite: str) -> Callable[[Any], str]:
    """A function from a record to the text that the encoder reads.

    Raises:
        UnknownNameError: if there is no such passage text.
    """
    if passage_text not in get_args(PassageText):
        raise UnknownNameError("passage text", passage_text, get_args(PassageText))
    if passage_text == "sentence":
        return lambda passage: cast(str, passage.default_text() or "")

    def with_context(passage: Any) -> str:
        context = getattr(passage, "context", None)
        if context is None:
            raise HybridBenchError(f"passages of {suite} have no paragraph", "Use --passage-text sentence.")
        return f"{passage.default_text()} {context}"

    return with_context


def check_distinct(items: list[Item], what: str) -> list[Item]:
    """The items; raises HybridBenchError if there are none or an id occurs twice."""
    if not items:
        raise HybridBenchError(f"there is no {what}", "Check that its files are complete.")
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise HybridBenchError(f"the {what} with id {item.id!r} occurs twice", "Give every record its own id.")
        seen.add(item.id)
    return items


def read_item(item: Item, modality: Modality, what: str, oddities: Oddities | None = None, *, may_be_empty: bool = False) -> Item:
    """An item as encoders read it: halves of surrogate pairs, which tokenizers refuse, are replaced by U+FFFD.

    Args:
        item: a query or passage.
        modality: that it should have.
        what: what it is, for errors.
        oddities: counts empty and replaced texts.
        may_be_empty: whether its text may be; it is then ``""``.

    Raises:
        HybridBenchError: if the item has another modality, or its text is empty or contains a NUL byte.
    """
    if isinstance(item.content, Image) != (modality == "image"):
        raise HybridBenchError(f"the {what} with id {item.id!r} is not of modality {modality!r}", "Correct the suite.")
    if isinstance(item.content, Image):
        return item
    text = item.content
    if not text.strip():
        if not may_be_empty:
            raise HybridBenchError(f"the {what} with id {item.id!r} is empty", "Add its text or remove the record.")
        if oddities:
            oddities.add("empty", repr(item.id))
        return Item(item.id, "")
    if "\x00" in text:
        raise HybridBenchError(f"the {what} with id {item.id!r} contains a NUL byte", "Remove it from the file.")
    try:
        text.encode()
    except UnicodeEncodeError:
        if oddities:
            oddities.add("surrogate", f"{what} {item.id!r}")
        return Item(item.id, _SURROGATE.sub("\ufffd", text))
    return item
