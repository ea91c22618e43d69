"""Markdown of generated pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of one line a row; cells are Markdown. Empty if there are no rows.

    Args:
        head: headings of the columns.
        rows: cells, as many a row as headings.
    """
    lines = [_line(row) for row in rows]
    return "\n".join([_line(head), _line(["---"] * len(head)), *lines, ""]) if lines else ""


def code(text: object) -> str:
    """Inline code; empty if the text is."""
    return f"`{text}`" if str(text) else ""


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"
