"""``hybrid-bench reproduce``."""

from __future__ import annotations

from typing import Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import ResultFile


def command(
    result: ResultFile,
    suite: Annotated[str, typer.Option(help="The folder of a local collection, if it has moved.")] = "",
    tolerance: Annotated[float, typer.Option(help="Largest difference of a score that counts as equal.")] = 1e-6,
) -> None:
    """Run the command of a result again, and compare scores, data and runs.

    Exits with status 1 if anything differs. Example: hybrid-bench reproduce results/mini/bm25.json
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
