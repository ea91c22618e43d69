"""From records to checked items: what an encoder reads of a passage or a query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast, get_args

from hybrid_bench.datasets.images import Image, Modality
from hybrid_bench.datasets.parts import Item, PassageText
from hybrid_bench.errors import HybridBenchError, UnknownNameError


def reader(passage_text: PassageText, suite: str) -> Callable[[Any], str]:
    """A function from a record to the text that the encoder reads.

    Raises:
        UnknownNameError: if there is no such passage text.
    """
    if passage_text not in get_args(PassageText):
        raise UnknownNameError("passage text", passage_text, get_args(PassageText))
    if passage_text == "sentence":
        return lambda passage: cast(str, passage.default_text())

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


def check_item(item: Item, modality: Modality, what: str) -> None:
    """Raise HybridBenchError if an item has another modality, or its text is empty or contains a NUL byte."""
    if isinstance(item.content, Image) != (modality == "image"):
        raise HybridBenchError(f"the {what} with id {item.id!r} is not of modality {modality!r}", "Correct the suite.")
    if isinstance(item.content, Image):
        return
    if not item.content.strip():
        raise HybridBenchError(f"the {what} with id {item.id!r} is empty", "Add its text or remove the record.")
    if "\x00" in item.content:
        raise HybridBenchError(f"the {what} with id {item.id!r} contains a NUL byte", "Remove it from the file.")
