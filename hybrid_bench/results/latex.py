r"""Tables in LaTeX, with booktabs; they fit a page of ``article`` in ``\small``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from hybrid_bench.results.blocks import blocks
from hybrid_bench.support import escaping

#: Letters of ``\small`` in a line of ``article``, about, and those that a digit takes.
_WIDTH, _DIGIT = 82, 1.25
#: Letters of a heading that stays in one line.
_HEADING = 9
PREAMBLE = "% Needs \\usepackage{booktabs}."


def tabular(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    texts: Sequence[Sequence[str]],
    numbers: Sequence[bool],
    *,
    marks: Sequence[Sequence[str]] | None = None,
    rules: Sequence[int] = (),
    gap: float = 4.5,
) -> str:
    r"""A ``tabular``; columns that do not fit a line follow in blocks below, with the labels of the rows repeated.

    Args:
        head: the headings, the first one of the labels; plain text.
        rows: the cells as LaTeX, the label first.
        texts: the same cells as they are printed, which their widths are estimated from.
        numbers: for each column whether it has numbers, which are aligned on the right.
        marks: what follows the numbers, as rows of one cell for each column after the label; they have a column of their own.
        rules: numbers of rows above which there is a line.
        gap: letters that are between two columns, for the usual ``\tabcolsep`` and some air.
    """
    headings = [_lines(text) if number else [text] for text, number in zip(head, numbers, strict=True)]
    widths = [
        max(*map(len, lines), *(len(text) * (_DIGIT if number else 1) for text in column))
        for lines, number, column in zip(headings, numbers, zip(*texts, strict=True), strict=True)
    ]
    split = _split(widths, gap)
    spec = ["l", *(("r@{}l" if marks else "r") if numbers[at + 1] else "l" for at in max(split, key=len))]
    lines = ["\\begin{tabular}{" + "".join(spec) + "}", "\\toprule"]
    for block in split:
        if block is not split[0]:
            lines.append("\\midrule")
        shown = [_heading(headings[at + 1], numbers[at + 1] and bool(marks)) for at in block]
        lines += [" & ".join([_heading(headings[0], False), *shown]) + " \\\\", "\\midrule"]
        for place, row in enumerate(rows):
            lines += ["\\midrule"] if place in rules else []
            marked = [f" & {marks[place][at]}" if marks and numbers[at + 1] else "" for at in block]
            lines.append(" & ".join([row[0], *(row[at + 1] + mark for at, mark in zip(block, marked, strict=True))]) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _split(widths: Sequence[float], gap: float) -> list[range]:
    """Blocks of columns; those below each other have the width of the widest."""
    for width in range(_WIDTH, 0, -4):
        found = blocks(widths[0], widths[1:], width, gap)
        places = itertools.zip_longest(*([widths[at + 1] for at in block] for block in found), fillvalue=0.0)
        if widths[0] + sum(gap + max(place) for place in places) <= _WIDTH:
            break
    return found


def _lines(heading: str) -> list[str]:
    """The lines of a heading: a long one is broken at blanks, after ``_`` and inside ``RankDistance``."""
    return [heading] if len(heading) <= _HEADING else re.split(r" |(?<=_)|(?<=[a-z])(?=[A-Z(])", heading)


def _heading(lines: Sequence[str], double: bool) -> str:
    safe = [escaping.latex(line) for line in lines]
    text = safe[0] if len(safe) == 1 else "\\begin{tabular}[b]{@{}c@{}}" + " \\\\ ".join(safe) + "\\end{tabular}"
    return f"\\multicolumn{{2}}{{c}}{{{text}}}" if double else text
