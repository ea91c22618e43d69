"""The answer of the study in words, from its figures alone: where an encoder helps, where it costs, and what may be noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hybrid_bench.evaluation.compare import significant

if TYPE_CHECKING:
    import pandas as pd

#: What a difference of a statistic is called: above 0, below 0, not significant.
_WORDS = {
    "mean difference": ("is better", "is worse", "differ"),
    "gap difference": ("loses more across languages", "loses less across languages", "differ in gap"),
    "drop difference": ("loses more across domains", "loses less across domains", "differ in drop"),
}
_KEY = ("suite", "encoder", "against", "statistic", "group")
#: What is said of a statistic in a summary.
_SHORT = {"mean difference": "", "gap difference": " gap", "drop difference": " drop"}


def sentences(frame: pd.DataFrame) -> Iterator[str]:
    """A sentence for each pair of encoders, suite and statistic over all query sets of a kind.

    Args:
        frame: of :func:`hybrid_bench.evaluation.robustness.figures.table`.
    """
    for row in _overall(frame).to_dict("records"):
        above, below, differ = _WORDS[row["statistic"]]
        encoder, against, value = row["encoder"], row["against"], row["value"]
        figure = f"{value:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}], p {_p(row['p'])}"
        where = f"{row['suite']}, {row['group']}"
        if significant(row["p"]):
            yield f"**{where}**: {encoder} {above if value > 0 else below} than {against} ({figure})."
        else:
            yield f"**{where}**: {encoder} and {against} {differ} by no more than noise ({figure})."


def summary(frame: pd.DataFrame, encoder: str) -> Iterator[str]:
    """A sentence for each encoder that one is compared with: where that one helps, where it costs, and what may be noise.

    Args:
        frame: as of :func:`sentences`.
        encoder: its name.
    """
    overall = _overall(frame)
    for against in dict.fromkeys(overall[overall["encoder"] == encoder]["against"]):
        found: dict[str, list[str]] = {"helps": [], "costs": [], "no more than noise": []}
        for row in overall[(overall["encoder"] == encoder) & (overall["against"] == against)].to_dict("records"):
            found[_effect(row)].append(_where(row, frame))
        parts = [f"**{effect}** in {', '.join(places)}" for effect, places in found.items() if places]
        yield f"Against {against}, {encoder}: {'; '.join(parts)}."


def _overall(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[(frame["against"] != "") & (frame["name"] == "all")]


def _effect(row: Mapping[Any, Any]) -> str:
    """A higher mean helps, and so does a smaller gap or drop."""
    if not significant(row["p"]):
        return "no more than noise"
    return "helps" if (row["value"] > 0) == (row["statistic"] == "mean difference") else "costs"


def _where(row: Mapping[Any, Any], frame: pd.DataFrame) -> str:
    """The suite, the kind of setting and the figure; of means also in how many query sets."""
    counted = ""
    same = (frame[list(_KEY)] == [row[key] for key in _KEY]).all(axis=1)
    single = frame[same & (frame["name"] != "all")]
    if row["statistic"] == "mean difference" and len(single) > 1:
        effects = [_effect(one) for one in single.to_dict("records")]
        counted = f"; helps in {effects.count('helps')}, costs in {effects.count('costs')} of {len(single)} query sets"
    return f"{row['suite']} {row['group']}{_SHORT[row['statistic']]} ({row['value']:+.4f}{counted})"


def _p(p: float) -> str:
    return f"{p:.4f}" if p >= 1e-4 else "< .0001"
