"""Wide tables as blocks of columns below each other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence


def blocks(label: float, columns: Sequence[float], width: float, gap: float) -> list[range]:
    """Split the columns of a table so that each block fits with the labels of the rows repeated; blocks are of like size.

    Args:
        label: width of the labels.
        columns: widths of the columns.
        width: that is available.
        gap: between two columns.

    Returns:
        The columns of each block, at least one in each.
    """
    starts, used = [0], label
    for at, column in enumerate(columns):
        if at > starts[-1] and used + gap + column > width:
            starts.append(at)
            used = label
        used += gap + column
    count = len(starts)
    even = [round(len(columns) * number / count) for number in range(count + 1)]
    found = [range(*pair) for pair in itertools.pairwise(even)]
    if all(label + sum(gap + columns[at] for at in block) <= width for block in found):
        return found
    return [range(*pair) for pair in zip(starts, [*starts[1:], len(columns)], strict=True)]
