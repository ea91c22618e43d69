"""The heat map of query languages by pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.reports.figures.style import new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Relative luminance (WCAG 2) at which black and white are equally readable.
_MIDDLE = 0.179


def heat_map(matrix: pd.DataFrame, title: str, measure: str) -> Figure:
    """A measure by query set and pool, as colours and as numbers; the colours grow lighter with it, in grey too.

    Args:
        matrix: query sets by pools, see :meth:`hybrid_bench.Result.matrix`.
        title: of the figure.
        measure: for the scale.
    """
    rows, columns = matrix.shape
    share = matrix.min().min() >= 0 and matrix.max().max() <= 1
    figure, (axes,) = new_figure(1, 1, 2.2 + 0.5 * columns, 1.4 + 0.36 * rows)
    values = matrix.to_numpy(np.float64)
    shown = axes.imshow(values, cmap="cividis", aspect="auto", vmin=0 if share else None, vmax=1 if share else None)
    axes.set_xticks(range(columns), list(matrix.columns))
    axes.set_yticks(range(rows), list(matrix.index))
    axes.tick_params(length=0)
    axes.set_xlabel("pool")
    axes.set_ylabel("query set")
    axes.set_title(title)
    colours = np.asarray(shown.cmap(shown.norm(values)))
    for row in range(rows):
        for column in range(columns):
            value = float(values[row, column])
            if value != value:
                continue
            text = f"{value:.2f}".removeprefix("0") if share and value < 1 else f"{value:.3g}"
            colour = "black" if luminance(colours[row, column, :3].tolist()) > _MIDDLE else "white"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    figure.colorbar(shown, ax=axes, label=measure)
    return figure


def luminance(colour: Sequence[float]) -> float:
    """The relative luminance of a colour in sRGB, 0 to 1 (WCAG 2)."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return float(sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True)))
