"""The plot of a suite, as an SVG file whose bytes depend on the figures only."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Colours and markers; the markers distinguish the encoders without colour.
_DOTS = (("#777777", "x"), ("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "v"), ("#e69f00", "P"))


def by_query_set(frame: pd.DataFrame, suite: str) -> bytes:
    """The mean of every query set by encoder, one panel a kind of setting.

    Args:
        frame: of :func:`hybrid_bench.evaluation.robustness.figures.table`.
        suite: its name.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    means = frame[(frame["statistic"] == "mean") & (frame["name"] != "all")]
    kinds = list(dict.fromkeys(means["group"]))
    longest = max(means[means["group"] == kind]["name"].nunique() for kind in kinds)
    figure = Figure(figsize=(max(4.0, 0.42 * longest) * len(kinds), 4), layout="constrained")
    for axes, kind in zip(figure.subplots(1, len(kinds), squeeze=False)[0], kinds, strict=True):
        of_kind = means[means["group"] == kind]
        names = list(dict.fromkeys(of_kind["name"]))
        for number, encoder in enumerate(dict.fromkeys(of_kind["encoder"])):
            colour, mark = _DOTS[number % len(_DOTS)]
            own = of_kind[of_kind["encoder"] == encoder].set_index("name")["value"]
            label = encoder if kind == kinds[0] else None
            axes.plot(range(len(names)), own.reindex(names), marker=mark, color=colour, linestyle="", label=label)
        axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > 6 else 0)
        axes.set_title(kind)
        axes.grid(axis="y", alpha=0.3)
    figure.suptitle(suite)
    figure.legend(loc="outside lower center", ncols=4)
    content = BytesIO()
    with mpl.rc_context({"svg.hashsalt": "hybrid-bench", "svg.fonttype": "none"}):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None, "Title": f"{suite} by query set"})
    return content.getvalue()
