r"""Tables in LaTeX, with booktabs; they fit a page of ``article`` in ``\small``."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hybrid_bench.results.blocks import blocks

#: Letters of ``\small`` in a line of ``article``, about; those between two columns of a table; those that a digit takes.
_WIDTH, _GAP, _DIGIT = 82, 2, 1.2
PREAMBLE = "% Needs \\usepackage{booktabs}."


def tabular(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    lengths: Sequence[tuple[int, int]],
    numbers: Sequence[bool],
    *,
    marks: Sequence[Sequence[str]] | None = None,
    rules: Sequence[int] = (),
) -> str:
    r"""A ``tabular``; columns that do not fit a line follow in blocks below, with the labels of the rows repeated.

    Args:
        head: the headings, the first one of the labels. All texts are LaTeX.
        rows: the cells, the label first.
        lengths: of the heading and of the longest cell of each column, in characters that are printed.
        numbers: for each column whether it has numbers, which are aligned on the right.
        marks: what follows the numbers, as rows of one cell for each column after the label; they have a column of their own.
        rules: numbers of rows above which there is a line.
    """
    widths = [
        max(heading, math.ceil(cells * (_DIGIT if number else 1)))
        for (heading, cells), number in zip(lengths, numbers, strict=True)
    ]
    split = blocks(widths[0], widths[1:], _WIDTH, _GAP)
    spec = ["l", *(("r@{}l" if marks else "r") if numbers[at + 1] else "l" for at in max(split, key=len))]
    lines = ["\\begin{tabular}{" + "".join(spec) + "}", "\\toprule"]
    for block in split:
        if block is not split[0]:
            lines.append("\\midrule")
        headings = [f"\\multicolumn{{2}}{{c}}{{{head[at + 1]}}}" if marks and numbers[at + 1] else head[at + 1] for at in block]
        lines += [" & ".join([head[0], *headings]) + " \\\\", "\\midrule"]
        for place, row in enumerate(rows):
            lines += ["\\midrule"] if place in rules else []
            marked = [f" & {marks[place][at]}" if marks and numbers[at + 1] else "" for at in block]
            lines.append(" & ".join([row[0], *(row[at + 1] + mark for at, mark in zip(block, marked, strict=True))]) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])
