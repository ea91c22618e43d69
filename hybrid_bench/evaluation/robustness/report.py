"""The report of the study: Markdown with an answer in words, the figures as CSV, and plots; a function of the results alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.datasets.resource_classes import table as classes
from hybrid_bench.evaluation.compare import significant
from hybrid_bench.evaluation.robustness import figures, plots
from hybrid_bench.evaluation.robustness.study import Outcome
from hybrid_bench.results.record import Result
from hybrid_bench.results.saturation import SATURATED, saturated
from hybrid_bench.results.tables import render
from hybrid_bench.support import atomic

if TYPE_CHECKING:
    import pandas as pd

_NAME = "robustness"
#: What a difference of a statistic is called: above 0, below 0, not significant.
_WORDS = {
    "mean difference": ("is better", "is worse", "differ"),
    "gap difference": ("loses more across languages", "loses less across languages", "differ in gap"),
    "drop difference": ("loses more across domains", "loses less across domains", "differ in drop"),
}


def write(outcome: Outcome, folder: Path, command: str) -> list[Path]:
    """Write ``robustness.md``, ``robustness.csv`` and a plot of each suite.

    Args:
        outcome: of the study.
        folder: of the report.
        command: that makes it, for the report.

    Returns:
        The files.
    """
    import pandas as pd

    tables = {suite: figures.table(results) for suite, results in outcome.results.items()}
    everything = pd.concat(list(tables.values()))
    files = {f"{_NAME}.csv": everything.to_csv(index=False, float_format="%.6f", lineterminator="\n").encode()}
    parts = [_head(outcome, command), _answer(everything)]
    for suite, frame in tables.items():
        plot = f"{_NAME}-{suite.replace('/', '__')}.svg"
        files[plot] = plots.by_query_set(frame, suite)
        parts.append(_suite(suite, outcome.results[suite], frame, plot))
    for suite, reason in outcome.missing.items():
        parts.append(f"## {suite}\n\nNot evaluated: {reason}\n")
    source, citation = classes()["source"], classes()["citation"].strip()
    parts.append(f"## Source of the resource classes\n\n{source}\n\n```bibtex\n{citation}\n```\n")
    files[f"{_NAME}.md"] = "\n".join(parts).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        atomic.write(folder / name, content)
    return [folder / name for name in files]


def _head(outcome: Outcome, command: str) -> str:
    first = next(iter(outcome.results.values()))
    names = ", ".join(f"`{result.name}`" for result in first)
    return f"""# Robustness of {names}

{first[0].primary} over the whole ranking, vectors in {first[0].provenance.dtype}. Intervals: 95 %, bootstrap over questions.
p: two-sided, by the standard deviation of the bootstrap, corrected by Holm over all comparisons of a suite. gap: the same
questions in the passages' language minus in another. drop: (in - out) / in, out being the mean of the domains but the first.
class: resource class of Joshi et al. 2020, 0 to 5. Where a card lists no languages, whether the encoder has seen one is not
stated. Command:

```
{command}
```
"""


def _answer(frame: pd.DataFrame) -> str:
    """A sentence for each pair of encoders and statistic, from the figures alone."""
    lines = [f"- {sentence}" for sentence in sentences(frame)]
    return "\n".join(["## Answer\n", *lines, ""]) if lines else ""


def sentences(frame: pd.DataFrame) -> Iterator[str]:
    """What the differences over all query sets of a kind say: where an encoder is better, where worse, and what may be noise.

    Args:
        frame: of :func:`hybrid_bench.evaluation.robustness.figures.table`.
    """
    overall = frame[(frame["against"] != "") & (frame["name"] == "all")]
    for row in overall.to_dict("records"):
        above, below, differ = _WORDS[row["statistic"]]
        encoder, against, value = row["encoder"], row["against"], row["value"]
        figure = f"{value:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}], p {_p(row['p'])}"
        where = f"{row['suite']}, {row['group']}"
        if significant(row["p"]):
            yield f"**{where}**: {encoder} {above if value > 0 else below} than {against} ({figure})."
        else:
            yield f"**{where}**: {encoder} and {against} {differ} by no more than noise ({figure})."


def _p(p: float) -> str:
    return f"{p:.4f}" if p >= 1e-4 else "< .0001"


def _suite(suite: str, results: list[Result], frame: pd.DataFrame, plot: str) -> str:
    parts = [f"## {suite}\n", *(f"{note}\n" for note in dict.fromkeys(note for result in results for note in result.notes))]
    means = frame[frame["statistic"] == "mean"]
    overall = means[means["name"] == "all"].pivot(index="encoder", columns="group", values="value")
    order = [result.name for result in results]
    parts.append(render(overall.loc[order, list(dict.fromkeys(means["group"]))], "markdown"))
    for result in results:
        for kind, mean in saturated(result).items():
            parts.append(f"{result.name}, {kind}: saturated ({mean:.4f} > {SATURATED}), tells encoders apart no more.\n")
    parts.append(f"![{suite}]({plot})\n")
    for kind in dict.fromkeys(means["group"]):
        of_kind = means[(means["group"] == kind) & (means["name"] != "all")]
        if len(of_kind) > len(results):
            parts.append(_by_query_set(kind, of_kind, order))
    for statistic, title in (("gap", "Gap"), ("drop", "Relative drop")):
        if not (rows := frame[frame["statistic"] == statistic]).empty:
            figures_of = [f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]" for row in rows.to_dict("records")]
            shown = rows.assign(value=figures_of)
            wide = shown.pivot(index="name", columns="encoder", values="value").loc[list(dict.fromkeys(rows["name"])), order]
            parts.append(f"### {title}\n\n{render(wide, 'markdown')}")
    if not (rows := frame[frame["against"] != ""]).empty:
        columns = ["encoder", "against", "statistic", "group", "name", "value", "low", "high", "p", "questions"]
        parts.append(f"### Differences\n\n{render(rows[rows['name'] == 'all'][columns].set_index('encoder'), 'markdown')}")
    return "\n".join(parts)


def _by_query_set(kind: str, rows: pd.DataFrame, order: list[str]) -> str:
    """One row a query set with its class and whether each encoder has seen its language; and means by either."""
    import pandas as pd

    wide = rows.pivot(index="name", columns="encoder", values="value").loc[list(dict.fromkeys(rows["name"])), order]
    about = rows.drop_duplicates("name").set_index("name")
    number = about["class"].astype(object).where(about["class"].notna(), "not stated")
    shown = wide.assign(**{"class": number, "questions": about["questions"]})
    parts = [f"### {kind} by query set\n\n{render(shown, 'markdown')}"]
    for column in ("class", "exposure"):
        label = rows[column].astype(object).where(rows[column].notna(), "not stated").astype(str)
        grouped = rows.assign(label=label).pivot_table(index="label", columns="encoder", values="value")
        if len(grouped) > 1:
            parts.append(f"By {column}:\n\n{render(grouped[order].rename_axis(column), 'markdown')}")
    stated = pd.Series(rows["exposure"]).unique()
    if list(stated) == ["not stated"]:
        parts.append("The cards list no languages: whether the encoders have seen these is not stated.\n")
    return "\n".join(parts)
