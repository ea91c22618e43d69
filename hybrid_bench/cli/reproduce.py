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
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a command that reaches outside of this machine.")] = False,
) -> None:
    """Run the command of a result again, and compare scores, data and runs.

    A command that reaches outside of this machine, e.g. to download a model, is shown and has to be confirmed.

    Exits with status 1 if anything differs. Example: hybrid-bench reproduce results/mini/bm25.json
    """
    import sys

    from hybrid_bench.evaluation.reproduce import reproduce

    def agree(question: str) -> bool:
        return yes or (sys.stdin is not None and sys.stdin.isatty() and typer.confirm(console.plain(question), err=True))

    comparison = reproduce(result, suite=suite, tolerance=tolerance, say=console.remark, agree=agree)
    for file in comparison.repaired:
        console.remark(f"restored {file}")
    for line in comparison.differences:
        console.echo(line)
    if comparison.differences:
        raise typer.Exit(1)
    console.echo(f"the same: {comparison.scores} scores, largest difference {comparison.largest:.3g}")
