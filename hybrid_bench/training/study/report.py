"""The report of a study: a Markdown file with plots and a CSV file, generated from the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.compare import significant
from hybrid_bench.results.tables import render
from hybrid_bench.support import atomic
from hybrid_bench.training.recipe import Recipe
from hybrid_bench.training.study import plots
from hybrid_bench.training.study.arms import ScoredArm
from hybrid_bench.training.study.tables import COLUMNS, Published, by_language, label, over_seeds, published_means, significance
from hybrid_bench.training.study.target import Target, curve, section

if TYPE_CHECKING:
    import pandas as pd

_NAME = "strategies"

#: What hybrid is compared with, in which columns, and the paper's names of the strategies.
_OTHERS = ("mono", "cross")
_COMPARED = ("mono AP", "cross AP", "multi AP", "RankDistance")
_IN_PAPER = {"mono": "X-X", "cross": "X-Y", "hybrid": "Hybrid"}


def write(
    scored: Sequence[ScoredArm],
    recipe: Recipe,
    published: Published,
    folder: Path,
    command: str,
    target: Target | None = None,
) -> list[Path]:
    """Write ``strategies.md``, ``strategies.csv`` and the plots. The same results give the same bytes.

    Args:
        scored: every arm with its results.
        recipe: the recipe of all arms.
        published: the paper's scores.
        folder: the output folder.
        command: the command that runs the study, for the report.
        target: what the arms are chosen by, on the first suite.

    Returns:
        The written files.

    Raises:
        HybridBenchError: if there is no suite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    suites = list(scored[0].results)
    if not suites:
        raise HybridBenchError("the study has no suite", "Give at least one, e.g. xquad-r.")
    files = {f"{_NAME}.csv": _long(scored).to_csv(index=False, lineterminator="\n").encode()}
    parts = [_head(scored, recipe, command)]
    for suite in suites:
        tables = over_seeds(scored, suite)
        tests = significance(scored, suite)
        of_paper = published_means(published, suite)
        parts += [
            f"## {suite}\n",
            _means(tables, of_paper, published),
            _comparison(tables, tests, of_paper),
            _tests(tests),
        ]
        figures: dict[str, bytes | None] = {}
        if target and suite == suites[0]:
            points = curve(scored, suite, target)
            parts.append(section(points, suite, target))
            figures["trade-off"] = plots.trade_off(points, suite, target)
        figures |= {"alpha": plots.against_alpha(scored, suite), "rank-distance": plots.rank_distance(tables, suite)}
        for name, content in figures.items():
            if content is not None:
                file = f"{_NAME}-{suite.replace('/', '__')}-{name}.svg"
                files[file] = content
                parts.append(f"![{suite}: {name}]({file})\n")
        parts.append(_languages(tables))
    parts.append(f"## Source of the published figures\n\n```bibtex\n{published.source['citation']}\n```\n")
    files[f"{_NAME}.md"] = "\n".join(parts).encode()
    for name, content in files.items():
        atomic.write(folder / name, content)
    return [folder / name for name in files]


def _head(scored: Sequence[ScoredArm], recipe: Recipe, command: str) -> str:
    seeds = sorted({one.arm.seed for one in scored if one.arm.seed})
    result = next(iter(scored[0].results.values()))
    suites = ", ".join(recipe.data.clean_of)
    apart = f"No question, passage or paragraph of {suites} is in" if suites else "No suite was removed from"
    read = result.provenance
    return f"""# Batch strategies: monolingual, cross-lingual, hybrid

The recipe of `{recipe.base}` with each strategy of arXiv 2408.10536: {recipe.optimiser.steps} steps of
{recipe.batches.size} pairs from {", ".join(recipe.data.sources)}, seed {", ".join(map(str, seeds))}; `hybrid` draws a monolingual
batch with probability {recipe.batches.alpha:g}. {apart} the training
data. Scores are means over languages, computed with `hybrid-bench evaluate` ({read.passage_text}, {read.dtype}, {read.depth}); ±
is the standard deviation over seeds. Command:

```
{command}
```

{_batch_shares(scored)}"""


def _batch_shares(scored: Sequence[ScoredArm]) -> str:
    """A table of the batches of each strategy: a source with pairs of one kind only is drawn as often as that kind."""
    drawn = {label(one): one.batch_shares for one in reversed(scored) if one.batch_shares and one.arm.seed}
    if not drawn:
        return ""
    columns = sorted({column for shares in drawn.values() for column in shares})
    sources = [source for source, _ in columns]
    one_kind = sorted({source for source in sources if sources.count(source) == 1})
    but = f", but a source with pairs of one kind only ({', '.join(one_kind)}) is drawn as often as that kind"
    lines = [
        f"Share of batches by source and kind, first seed. Only the strategy differs{but if one_kind else ''}:\n",
        "| strategy | " + " | ".join(f"{source}, {kind}" for source, kind in columns) + " |",
        "| --- |" + " ---: |" * len(columns),
    ]
    for name in reversed(drawn):
        cells = [f"{drawn[name][column]:.3f}" if column in drawn[name] else "" for column in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _means(
    tables: dict[str, tuple[pd.DataFrame, pd.DataFrame, int]], of_paper: dict[str, dict[str, float]], published: Published
) -> str:
    lines = [
        "| strategy | seeds | " + " | ".join(COLUMNS) + " |",
        "| --- | ---: |" + " ---: |" * len(COLUMNS),
    ]
    for name, (mean, spread, seeds) in tables.items():
        cells = [_figure(column, mean, spread) for column in COLUMNS]
        lines.append(f"| {name} | {seeds} | " + " | ".join(cells) + " |")
    for system, figures in of_paper.items():
        cells = [_number(column, figures[column]) if column in figures else "" for column in COLUMNS]
        lines.append(f"| *published: {system}* | | " + " | ".join(cells) + " |")
    note = (
        f"\nRows in italics are published figures ({published.source['url']}), not measured here. {published.source['note']}.\n"
    )
    return "\n".join(lines) + "\n" + (note if of_paper else "")


def _figure(column: str, mean: pd.DataFrame, spread: pd.DataFrame) -> str:
    if column not in mean:
        return ""
    middle, around = float(mean[column]["mean"]), float(spread[column]["mean"])
    return _number(column, middle) + ("" if around != around else f" ± {_number(column, around)}")


def _number(column: str, value: float) -> str:
    return f"{value:.1f}" if column == "RankDistance" else f"{value:.4f}"


def _comparison(
    tables: dict[str, tuple[pd.DataFrame, pd.DataFrame, int]], tests: pd.DataFrame, of_paper: dict[str, dict[str, float]]
) -> str:
    """A table that compares hybrid with the other strategies, here and in the paper."""
    if "hybrid" not in tables:
        return ""
    lines = []
    for against in _OTHERS:
        for column in _COMPARED:
            if any(name not in tables or column not in tables[name][0] for name in ("hybrid", against)):
                continue
            own, other = (float(tables[name][0][column]["mean"]) for name in ("hybrid", against))
            here = _better(column, own, other)
            setting, measure = COLUMNS[column]
            in_paper = _in_paper(of_paper, against, column)
            stated = "; ".join(f"{word}: {', '.join(bases)}" for word, bases in in_paper.items())
            agrees = "" if len(in_paper) != 1 else "yes" if here in in_paper else "**no**"
            lines.append(
                f"| {against} | {column} | {here}: {_number(column, own)} against {_number(column, other)} "
                f"| {_significant_seeds(tests, against, setting, measure)} | {stated} | {agrees} |"
            )
    if not lines:
        return ""
    head = [
        "### Is hybrid better than a single batch kind?\n",
        "| against | column | here | seeds with p < .05 | in the paper, by base model | as in the paper |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join(head + lines) + "\n"


def _better(column: str, own: float, other: float) -> str:
    difference = other - own if column == "RankDistance" else own - other
    return "better" if difference > 0 else "worse" if difference < 0 else "equal"


def _in_paper(of_paper: dict[str, dict[str, float]], against: str, column: str) -> dict[str, list[str]]:
    """``better`` or ``worse`` to the paper's base models for which hybrid is."""
    found: dict[str, list[str]] = {}
    for system, figures in of_paper.items():
        base, _, strategy = system.rpartition(" ")
        other = of_paper.get(f"{base} {_IN_PAPER[against]}", {})
        if strategy == _IN_PAPER["hybrid"] and column in figures and column in other:
            found.setdefault(_better(column, figures[column], other[column]), []).append(base)
    return found


def _significant_seeds(tests: pd.DataFrame, against: str, setting: str, measure: str) -> str:
    """The number of seeds for which hybrid is significantly better, and worse."""
    rows = tests[(tests["against"] == against) & (tests["setting"] == setting) & (tests["measure"] == measure)]
    sign = -1 if measure == "RankDistance" else 1
    better = [
        sign * difference > 0
        for difference, p in zip(rows["difference"], rows["p_randomisation"], strict=True)
        if significant(float(p))
    ]
    return f"better {sum(better)} of {len(rows)}, worse {len(better) - sum(better)}"


def _tests(tests: pd.DataFrame) -> str:
    if tests.empty:
        return ""
    columns = [
        "against",
        "seed",
        "setting",
        "measure",
        "a",
        "b",
        "difference",
        "effect",
        "p_t_test",
        "p_randomisation",
        "queries",
    ]
    heading = (
        "### hybrid (b) against each other arm (a)\n\nPaired tests over questions; a question and its translations are one "
        "unit. p has a Holm correction within each comparison. effect: Cohen's d of the paired differences. a and b average each "
        "question over its pools first; the tables above average each pool over its questions, so the two differ if pools have "
        "different questions. effect and p weight all questions equally, difference weights all languages equally: if questions "
        "do not exist in every language, their signs may differ near 0.\n\n"
    )
    return heading + render(tests[columns].set_index("against"), "markdown")


def _languages(tables: dict[str, tuple[pd.DataFrame, pd.DataFrame, int]]) -> str:
    """Every column by query language, averaged over seeds."""
    import pandas as pd

    parts = ["### By query language\n"]
    for column in COLUMNS:
        found = {name: mean[column] for name, (mean, _, _) in tables.items() if column in mean}
        if found:
            frame = pd.DataFrame(found).rename_axis("language")
            parts.append(f"{column}:\n\n{render(frame, 'markdown')}")
    return "\n".join(parts)


def _long(scored: Sequence[ScoredArm]) -> pd.DataFrame:
    """All scores in long form: suite, strategy, alpha, seed, language, column, value."""
    import pandas as pd

    rows = [
        (suite, label(one), one.arm.alpha, one.arm.seed or None, language, column, value)
        for one in scored
        for suite, result in one.results.items()
        for language, figures in by_language(result).iterrows()
        for column, value in figures.items()
    ]
    frame = pd.DataFrame(rows, columns=["suite", "strategy", "alpha", "seed", "language", "column", "value"])
    return frame.astype({"seed": "Int64"})
