"""``hybrid-bench report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Format, ResultFiles, separated

if TYPE_CHECKING:
    import pandas as pd

    from hybrid_bench.reports.table import Table


def command(
    files: ResultFiles,
    baseline: Annotated[
        str, typer.Option(help="Compare the others with this encoder: its name, or its file's. [default: all pairs]")
    ] = "",
    by: Annotated[
        str, typer.Option(help="Comma-separated tables: setting, language, measure; of some suites topic, domain, ...")
    ] = "setting",
    test: Annotated[str, typer.Option(help="Paired test over questions: t or randomisation.")] = "t",
    level: Annotated[float, typer.Option(help="Level of significance, after Holm's correction.")] = 0.05,
    second: Annotated[bool, typer.Option("--second", help="Underline the second best values.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the tables into this folder, one file each.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Draw figures into this folder, as SVG, PDF and PNG.")] = None,
    alpha: Annotated[
        str, typer.Option(help="Comma-separated NAME=ALPHA: draw curves by the share of monolingual batches in training.")
    ] = "",
    citations: Annotated[
        bool, typer.Option("--citations", help="Print instead what to cite: BibTeX of each suite, and of this software.")
    ] = False,
    output: Format = "table",
) -> None:
    """Put results on one suite side by side: tables with significance marks, for papers and pages.

    Example: hybrid-bench report results/mini/me5-small.json results/mini/use-multilingual.json --format latex
    """
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.reports.report import FILES, report
    from hybrid_bench.results import folder, tables

    tables.check_format(output)
    if citations:
        from hybrid_bench.reports.citations import of_results

        console.write(of_results(folder.read_all(files)))
        return
    if out and output == "table":
        raise HybridBenchError(f"a table for the terminal is not written to {out}", "Choose another --format, such as latex.")
    if alpha and not figures:
        raise HybridBenchError("--alpha is drawn in a figure", "Name their folder with --figures.")
    alphas = dict(map(_alpha, separated(alpha)))
    made = report(
        folder.read_all(files),
        baseline or None,
        by=separated(by),
        test=test,  # type: ignore[arg-type]  # checked there
        level=level,
        second=second,
    )
    for path in made.figures(figures, alphas) if figures else []:
        console.remark(f"wrote {path}")
    if out:
        for path in made.save(out, output):
            console.remark(f"wrote {path}")
    elif output == "table":
        for table in made.tables:
            console.show(_frame(table, second), f"{table.suite}: {table.about}", " ".join((table.legend, *table.notes)))
    else:
        console.write(FILES[output][1](made))


def _alpha(text: str) -> tuple[str, float]:
    """A name and a share of ``NAME=SHARE``."""
    from hybrid_bench.errors import HybridBenchError

    name, _, share = text.rpartition("=")
    try:
        value = float(share)
    except ValueError:
        value = -1.0
    if not name or not 0 <= value <= 1:
        raise HybridBenchError(
            f"--alpha has {text!r}", "Give names and shares from 0 to 1: hybrid-me5-small=0.25,cross-me5-small=0."
        )
    return name, value


def _frame(table: Table, second: bool) -> pd.DataFrame:
    """The values with their marks, as rich's texts."""
    import pandas as pd
    from rich.text import Text

    styles = {1: "bold", 2: "underline" if second else ""}
    columns = {}
    for at, (column, of) in enumerate(zip(table.columns, table.means, strict=True)):
        marks = [table.marks.get((row, at), "") for row in range(len(of))]
        wide = max(map(len, marks))
        columns[console.plain(column.label)] = [
            Text(column.format(value), styles.get(place, "")) + Text(f" {mark}" + "\u00a0" * (wide - len(mark)) if wide else "")
            for value, place, mark in zip(of, table.places(at), marks, strict=True)
        ]
    return pd.DataFrame(columns, index=[console.plain(name) for name in table.rows]).rename_axis("encoder")
