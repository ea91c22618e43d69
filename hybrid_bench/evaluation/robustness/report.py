"""The report of the study: Markdown with an answer in words, the figures as CSV, and plots; a function of the results alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.datasets.resource_classes import table as classes
from hybrid_bench.evaluation.questions import unit
from hybrid_bench.evaluation.robustness import answer, figures, plots
from hybrid_bench.evaluation.robustness.study import Outcome
from hybrid_bench.results.exposure import of_suite
from hybrid_bench.results.saturation import SATURATED, saturated
from hybrid_bench.results.tables import render
from hybrid_bench.support import atomic

if TYPE_CHECKING:
    import pandas as pd

_NAME = "robustness"


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
    parts = [_head(outcome, command), _answer(everything, outcome.subject)]
    for suite, frame in tables.items():
        plot = f"{_NAME}-{suite.replace('/', '__')}.svg"
        files[plot] = plots.by_query_set(frame, suite)
        parts.append(_suite(suite, outcome, frame, plot))
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
    units = " or ".join(dict.fromkeys(f"{unit(results[0])}s" for results in outcome.results.values()))
    weights = {(result.name, result.provenance.fingerprint[:12]): None for found in outcome.results.values() for result in found}
    hashes = ", ".join(f"`{name}` {fingerprint}" for name, fingerprint in weights)
    measure = f"{first[0].primary} over the whole ranking" if first[0].primary == "AP" else first[0].primary
    return f"""# Robustness of {names}

{measure}, vectors in {first[0].provenance.dtype}. Intervals: 95 %, bootstrap over {units}.
p: two-sided, by the standard deviation of the bootstrap, corrected by Holm over all comparisons of a suite. gap: the same
questions in the passages' language minus in another. drop: (in - out) / in, out being the mean of the domains but the first.
class: resource class of Joshi et al. 2020, 0 to 5. exposure of a language, by the card of {outcome.subject}: in the data of its
last fine-tuning (tuned on), in other training (seen), in none (unseen), or not stated. Fingerprints, of weights or settings:
{hashes}. Command:

```
{command}
```
"""


def _answer(frame: pd.DataFrame, subject: str) -> str:
    """Where the last encoder helps and where it costs, and a sentence for each pair and statistic, from the figures alone."""
    found = {"Answer": answer.summary(frame, subject), "Comparisons": answer.sentences(frame)}
    parts = {title: [f"- {sentence}" for sentence in made] for title, made in found.items()}
    parts["Answer"] = parts["Answer"] or [f"{subject} is compared with no other encoder."]
    return "\n".join(line for title, lines in parts.items() if lines for line in (f"## {title}\n", *lines, ""))


def _suite(suite: str, outcome: Outcome, frame: pd.DataFrame, plot: str) -> str:
    results = outcome.results[suite]
    parts = [f"## {suite}\n", *(f"{note}\n" for note in dict.fromkeys(note for result in results for note in result.notes))]
    parts += [f"Left out: {reason}.\n" for reason in outcome.absent.get(suite, ())]
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
        ranked = [name for name in order if name in set(of_kind["encoder"])]
        if without := [name for name in order if name not in ranked]:
            parts.append(f"Left out of {kind}: {', '.join(without)}, whose ranks are not known in all of it.\n")
        if len(of_kind) > len(ranked):
            parts.append(_by_query_set(kind, of_kind, ranked, outcome.subject))
    for statistic, title in (("gap", "Gap"), ("drop", "Relative drop")):
        if not (rows := frame[frame["statistic"] == statistic]).empty:
            figures_of = [f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]" for row in rows.to_dict("records")]
            shown = rows.assign(value=figures_of)
            wide = shown.pivot(index="name", columns="encoder", values="value").loc[list(dict.fromkeys(rows["name"])), order]
            parts.append(f"### {title}\n\n{render(wide, 'markdown')}")
            if statistic == "drop":
                seen = ", ".join(f"{result.name} {of_suite(result)}" for result in results)
                parts.append(f"Texts of {suite} in the training data, by the cards: {seen}.\n")
    if not (rows := frame[frame["against"] != ""]).empty:
        columns = ["encoder", "against", "statistic", "group", "name", "value", "low", "high", "p", "questions"]
        parts.append(f"### Differences\n\n{render(rows[rows['name'] == 'all'][columns].set_index('encoder'), 'markdown')}")
    return "\n".join(parts)


def _by_query_set(kind: str, rows: pd.DataFrame, order: list[str], subject: str) -> str:
    """One row a query set with its class and whether the last encoder has seen its language; and means by either."""
    names = list(dict.fromkeys(rows["name"]))
    wide = rows.pivot(index="name", columns="encoder", values="value").loc[names, order]
    about = rows[rows["encoder"] == subject].set_index("name").reindex(names)
    if about["class"].isna().all() and set(about["exposure"]) == {"not stated"}:  # domains without a language
        return f"### {kind} by query set\n\n{render(wide.assign(questions=about['questions']), 'markdown')}"
    number = about["class"].astype(object).where(about["class"].notna(), "not stated")
    shown = wide.assign(**{"class": number, "exposure": about["exposure"], "questions": about["questions"]})
    parts = [f"### {kind} by query set\n\nexposure: of {subject}.\n\n{render(shown, 'markdown')}"]
    for label in (number.astype(str).rename("class"), about["exposure"]):
        grouped = wide.groupby(label).mean()
        if len(grouped) > 1:
            parts.append(
                f"By {label.name}:\n\n{render(grouped.assign(**{'query sets': label.value_counts().astype(object)}), 'markdown')}"
            )
    if list(about["exposure"].unique()) == ["not stated"]:
        parts.append(f"The card of {subject} lists no languages: whether it has seen these is not stated.\n")
    return "\n".join(parts)
