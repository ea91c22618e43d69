"""``hybrid-bench results``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import (
    DropOwn,
    Format,
    Languages,
    Measures,
    Out,
    Overwrite,
    ResultFile,
    Strict,
    SuiteName,
    separated,
)

app = typer.Typer(
    help="Print results, make them of other programs' rankings, or rewrite them in the present schema version.",
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


@app.command("import")
def import_run(
    file: Annotated[
        Path,
        typer.Argument(
            help="A TREC run, a folder of runs or of IGLUE's ranked lists, or JSON: BEIR's results, mteb's predictions."
        ),
    ],
    suite: SuiteName = "mini",
    languages: Languages = None,
    measures: Measures = None,
    run_depth: Annotated[
        int | None, typer.Option(min=1, help="Passages per query that count. [default: as many as there are]")
    ] = None,
    drop_own: DropOwn = None,
    strict: Strict = False,
    out: Out = Path("results"),
    name: Annotated[
        str, typer.Option(help="Name in the result, its files and runs. [default: that in the file, or the file's]")
    ] = "",
    overwrite: Overwrite = False,
    output: Format = "table",
) -> None:
    """Make a result of rankings that another program has made; `evaluate --run` does the same.

    Example: hybrid-bench results import run.trec --suite beir/nfcorpus/test --name my-model
    """
    from hybrid_bench.datasets.resolvers import load_suite
    from hybrid_bench.evaluation.given_runs import evaluate_given
    from hybrid_bench.evaluation.options import EvaluationOptions
    from hybrid_bench.results import tables

    tables.check_format(output)
    options = EvaluationOptions(
        languages=separated(languages) or None,
        measures=tuple(measures.split()) if measures else None,
        depth=run_depth,
        results=out,
        name=name,
        overwrite=overwrite,
        drop_own=drop_own,
        strict=strict,
    )
    result = evaluate_given(file, load_suite(suite), options, console.BarProgress())
    console.save(result, out, overwrite=overwrite)
    console.show_result(result, output)
