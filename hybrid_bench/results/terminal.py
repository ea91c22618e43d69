"""Tables for a terminal of any width: what does not fit follows in blocks of columns, and nothing is cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybrid_bench.results.blocks import blocks
from hybrid_bench.results.tables import cell

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table
    from rich.text import Text

#: Width to which labels and words are kept whole, if the terminal has it.
_WORD = 30
#: Least width of a column of texts.
_TEXT = 13
#: What the border takes: of a column, and of the table.
_GAP, _EDGE = 3, 1


def rich_tables(frame: pd.DataFrame, width: int, *, split: bool = True) -> list[Table]:
    """A data frame as tables of at most a width, if that is possible; each repeats the labels of the rows.

    Columns of numbers, and of rich's texts, are aligned on the right and never folded; headings, labels and texts are.
    The first row of means stands apart.

    Args:
        frame: its index has the labels.
        width: of the terminal, in characters.
        split: whether columns that do not fit follow in another table; otherwise the one table is wider.
    """
    columns = [_Column(str(name), _texts(frame.iloc[:, at]), _is_number(frame.iloc[:, at])) for at, name in enumerate(frame)]
    labels = _Column(str(frame.index.name or ""), [_text(label) for label in frame.index], number=False)
    label = min(labels.natural, _WORD, max(6, width // 3))
    room = width - label - _GAP - _EDGE
    if sum(column.natural + _GAP for column in columns) <= room:
        return [_table(labels, columns, [labels.natural, *(column.natural for column in columns)], width)]
    least = [column.least(room - _GAP) for column in columns]
    split_at = blocks(label + _GAP + _EDGE, least, width, _GAP) if split else [range(len(columns))]
    return [_table(labels, [columns[at] for at in part], [label, *(least[at] for at in part)], width) for part in split_at]


class _Column:
    """A column with its widths."""

    def __init__(self, heading: str, texts: Sequence[Text], number: bool) -> None:
        self.heading, self.texts, self.number = heading, texts, number
        self._widest = max((text.cell_len for text in texts), default=1)
        self.natural = max(self._widest, len(heading))

    def least(self, room: int) -> int:
        """The least width, if there is room for it; numbers get theirs in any case."""
        words = max(map(len, self.heading.split()), default=1)
        return max(self._widest, min(words, room)) if self.number else min(self.natural, _TEXT)


def _table(labels: _Column, columns: Sequence[_Column], widths: list[int], width: int) -> Table:
    """The room that is left goes to the narrowest columns that are folded."""
    from rich.table import Table
    from rich.text import Text

    every = [labels, *columns]
    left = width - _EDGE - sum(widths) - _GAP * len(widths)
    while left > 0 and (folded := [at for at, column in enumerate(every) if widths[at] < column.natural]):
        widths[min(folded, key=lambda at: widths[at])] += 1
        left -= 1
    table = Table()
    for column, of_column in zip(every, widths, strict=True):
        justify = "right" if column.number else "left"
        table.add_column(Text(column.heading), justify=justify, overflow="fold", width=of_column)  # type: ignore[arg-type]
    for row, label in enumerate(labels.texts):
        if label.plain == "mean":
            table.add_section()
        table.add_row(label, *(column.texts[row] for column in columns))
    return table


def _is_number(column: pd.Series[float]) -> bool:
    from rich.text import Text

    return column.dtype.kind in "if" or (len(column) > 0 and all(isinstance(value, Text) for value in column))


def _texts(column: pd.Series[float]) -> list[Text]:
    return [_text(value) for value in column]


def _text(value: object) -> Text:
    from rich.text import Text

    return value if isinstance(value, Text) else Text(cell(value))
