"""``hybrid-bench results``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Format, ResultFile

app = typer.Typer(
    help="Print results, or rewrite them in the present schema version.",
    epilog="Example: hybrid-bench results show results/mini/me5-small.json",
    no_args_is_help=True,
)


@app.command("show")
def show(
    file: ResultFile,
    matrix: Annotated[str, typer.Option(help="Print query sets by pools, of this measure: AP, nDCG@10, ...")] = "",
    long: Annotated[bool, typer.Option("--long", help="Print every score, one per row.")] = False,
    provenance: Annotated[
        bool, typer.Option("--provenance", help="Print command, versions and hashes instead of scores.")
    ] = False,
    output: Format = "table",
) -> None:
    """Validate a result and print it.

    Example: hybrid-bench results show results/mini/me5-small.json --matrix AP --format csv
    """
    from hybrid_bench.results import tables
    from hybrid_bench.results.record import Result

    result = Result.read(file)
    if provenance:
        console.write(result.provenance.model_dump_json(indent=1) + "\n")
    elif long:
        console.show_frame_of(result, result.scores.set_index("suite"), output, tables.title(result))
    elif matrix:
        console.show_frame_of(result, result.matrix(matrix), output, f"{matrix} of {tables.title(result)}")
    else:
        console.show_result(result, output)


@app.command("migrate")
def migrate(
    files: Annotated[list[Path], typer.Argument(help="Results, of the present or an earlier schema version.")],
) -> None:
    """Rewrite results of an earlier schema version in the present one, with their ranks and runs. Scores do not change.

    Example: hybrid-bench results migrate results/mini/me5-small.json
    """
    from hybrid_bench.results import migration
    from hybrid_bench.results.files import SCHEMA_VERSION
    from hybrid_bench.results.record import Result

    for file in files:
        Result.read(file)  # also a file of the present version has to be a valid result
        rewritten = migration.migrate(file)
        console.echo(f"{file}: rewritten in schema version {SCHEMA_VERSION}" if rewritten else f"{file}: no change")
