"""The style of figures: colours that colour-blind readers tell apart, markers that tell lines apart in grey, and stable files."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: (colour, marker, dashes) of the first, second, ... line: the colours of Okabe and Ito (2008), dark and light in turn.
LINES = (
    ("#0072b2", "o", "-"),
    ("#d55e00", "s", "--"),
    ("#009e73", "^", "-."),
    ("#444444", "X", ":"),
    ("#cc79a7", "v", "-"),
    ("#e69f00", "P", "--"),
    ("#56b4e9", "D", "-."),
    ("#000000", "*", ":"),
)
#: The endings of the files of a figure.
ENDINGS = ("svg", "pdf", "png")
_DOTS_PER_INCH = 200


def line(number: int) -> tuple[str, str, str]:
    """Colour, marker and dashes of a line; with more than eight lines the same colours have other markers."""
    colour, _, dashes = LINES[number % len(LINES)]
    marker = LINES[(number + number // len(LINES)) % len(LINES)][1]
    return colour, marker, dashes


def new_figure(rows: int, columns: int, width: float, height: float, **shared: Any) -> tuple[Figure, list[Axes]]:
    """A figure of a size in inches, and its axes row by row."""
    need("figures", "a figure", "matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **shared).flat)


def content(figure: Figure, ending: str, title: str) -> bytes:
    """The file of a figure, whose bytes depend on the figure and matplotlib's version only.

    Args:
        figure: that is drawn.
        ending: one of :data:`ENDINGS`.
        title: stated in the file.
    """
    import matplotlib as mpl

    dates: dict[str, dict[str, str | None]] = {
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }
    written = BytesIO()
    # Texts of an SVG stay texts; those of a PDF are outlines of TrueType fonts, which publishers ask for.
    with mpl.rc_context({"svg.hashsalt": "hybrid-bench", "svg.fonttype": "none", "pdf.fonttype": 42}):
        figure.savefig(written, format=ending, dpi=_DOTS_PER_INCH, metadata={"Title": title, **dates[ending]})
    return written.getvalue()
