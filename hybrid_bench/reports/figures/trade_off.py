"""Quality against language bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hybrid_bench.reports.figures.labels import Box, place
from hybrid_bench.reports.figures.style import line, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def trade_off(
    names: Sequence[str], bias: Sequence[float], quality: Sequence[float], title: str, bias_label: str, quality_label: str
) -> Figure:
    """A point for each encoder, with its name; the axis of bias is logarithmic.

    Args:
        names: of the encoders.
        bias: above 0; lower is better.
        quality: higher is better.
        title: of the figure.
        bias_label: name of the measure of bias.
        quality_label: name of the measure of quality.
    """
    return scatter(
        names, bias, quality, title, f"{bias_label} (log scale; lower is better)", f"{quality_label} (higher is better)", log=True
    )


def scatter(
    names: Sequence[str], x: Sequence[float], y: Sequence[float], title: str, x_label: str, y_label: str, *, log: bool = False
) -> Figure:
    """A point for each encoder, with its name.

    Args:
        names: of the encoders.
        x: of the points; above 0 if ``log``.
        y: of the points.
        title: of the figure.
        x_label: of the axis.
        y_label: of the axis.
        log: whether the axis of ``x`` is logarithmic.
    """
    figure, (axes,) = new_figure(1, 1, 6.4, 4.2)
    for number, point in enumerate(zip(x, y, strict=True)):
        colour, marker, _ = line(number)
        axes.plot(
            *([value] for value in point),
            color=colour,
            marker=marker,
            markersize=7.5,
            linestyle="",
            markeredgecolor="white",
            markeredgewidth=0.6,
        )
    if log:
        from matplotlib.ticker import LogLocator

        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
    axes.margins(0.2, 0.15)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title)
    axes.grid(alpha=0.3)
    _name(figure, axes, names, list(zip(x, y, strict=True)))
    return figure


def _name(figure: Figure, axes: Axes, names: Sequence[str], at: Sequence[tuple[float, float]]) -> None:
    """Write the names of points beside them, in the places that the whole layout leaves free."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer: Any = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    texts = [axes.text(0.5, 0.5, name, fontsize=9, transform=axes.transAxes, ha="left", va="bottom") for name in names]
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # what is placed below must not move any more
    extents = [text.get_window_extent(renderer) for text in texts]
    pixels = [tuple(axes.transData.transform(point)) for point in at]
    frame = axes.get_window_extent(renderer)
    bounds = Box(frame.x0 + 2, frame.y0 + 2, frame.x1 - 2, frame.y1 - 2)
    places = place(pixels, [(one.width + 2, one.height + 2) for one in extents], bounds)
    points = 72 / figure.dpi
    for text, name, label, (x, y), point in zip(texts, names, places, pixels, at, strict=True):
        text.remove()
        axes.annotate(
            name,
            point,
            xytext=((label.box.left - x) * points, (label.box.low - y) * points),
            textcoords="offset points",
            fontsize=9,
            ha="left",
            va="bottom",
        )
        if label.leader:
            end = axes.transData.inverted().transform(label.leader)
            axes.plot([point[0], end[0]], [point[1], end[1]], color="#888888", linewidth=0.7, scalex=False, scaley=False)
