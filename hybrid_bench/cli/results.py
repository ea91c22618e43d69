"""``hybrid-bench results``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console

app = typer.Typer(
    help="Look at results.",
    epilog="Example: hybrid-bench results show results/mini/me5-small.json",
    no_args_is_help=True,
)


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="A result, as `evaluate` writes it.")],
    matrix: Annotated[str, typer.Option(help="Query languages by pools, of this measure: AP, nDCG@10, ...")] = "",
    long: Annotated[bool, typer.Option("--long", help="Every score, one a row.")] = False,
    provenance: Annotated[bool, typer.Option("--provenance", help="Command, versions and hashes instead of scores.")] = False,
    output: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """Print a result; its schema is checked.

    Example: hybrid-bench results show results/mini/me5-small.json --matrix AP --format csv
    """
    from hybrid_bench.results import tables
    from hybrid_bench.results.record import Result

    result = Result.read(file)
    if provenance:
        typer.echo(result.provenance.model_dump_json(indent=1))
    elif long:
        console.show_frame(result.scores.set_index("suite"), output, tables.title(result))
    elif matrix:
        console.show_frame(result.matrix(matrix), output, f"{matrix} of {tables.title(result)}")
    else:
        console.show_result(result, output)
