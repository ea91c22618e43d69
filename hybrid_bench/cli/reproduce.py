"""``hybrid-bench reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console


def command(
    result: Annotated[Path, typer.Argument(help="A result.")],
    suite: Annotated[str, typer.Option(help="The folder of a local collection, if it is not where the result says.")] = "",
    tolerance: Annotated[float, typer.Option(help="What a score may differ by.")] = 1e-6,
) -> None:
    """Run the command that a result names, and compare what comes out with it.

    Ends with status 1 if something differs. Example: hybrid-bench reproduce results/mini/bm25.json
    """
    from hybrid_bench.evaluation.reproduce import reproduce

    comparison = reproduce(result, suite=suite, tolerance=tolerance, say=console.remark)
    for file in comparison.repaired:
        console.remark(f"restored {file}")
    for line in comparison.differences:
        typer.echo(line)
    if comparison.differences:
        raise typer.Exit(1)
    typer.echo(f"the same: {comparison.scores} scores, largest difference {comparison.largest:.3g}")
