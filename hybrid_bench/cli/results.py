"""``hybrid-bench results``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    ResultFiles,
    Strict,
    SuiteName,
    separated,
)
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    from hybrid_bench.results.record import Result

app = typer.Typer(
    help="List and print results, make them of other programs' rankings, or rewrite them in the present schema version.",
    epilog="Example: hybrid-bench results show results/mini/me5-small.json",
    no_args_is_help=True,
)


@app.command("list")
def list_results(
    places: Annotated[list[Path] | None, typer.Argument(help="Folders of results. [default: results]")] = None,
    output: Format = "table",
) -> None:
    """List results with their means. Files that cannot be read are named last, and the exit status is 2.

    Example: hybrid-bench results list results
    """
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.results import folder, tables

    tables.check_format(output)
    found, errors = folder.read(places or [Path("results")])
    if found:
        console.show_frame(tables.overview(found), output, "Results: means over query sets")
    if errors:
        raise HybridBenchError("; ".join(error.problem for error in errors), "Remove these files, or evaluate again.")


@app.command("show")
def show(
    files: ResultFiles,
    matrix: Annotated[str, typer.Option(help="Print query sets by pools, of this measure: AP, nDCG@10, ...")] = "",
    long: Annotated[bool, typer.Option("--long", help="Print every score, one per row.")] = False,
    provenance: Annotated[
        bool, typer.Option("--provenance", help="Print command, versions and hashes instead of scores.")
    ] = False,
    output: Format = "table",
) -> None:
    """Validate results and print them; several in another format than a table as one table, a row each.

    Example: hybrid-bench results show results/mini/me5-small.json --matrix AP --format csv
    """
    from hybrid_bench.results import folder, tables

    tables.check_format(output)
    results = folder.read_all(files)
    if len(results) > 1 and output != "table" and not provenance:
        _show_together(results, matrix, long, output)
        return
    for result in results:
        if provenance:
            console.write(result.provenance.model_dump_json(indent=1) + "\n")
        elif long:
            console.show_frame_of(result, result.scores.set_index("suite"), output, tables.title(result))
        elif matrix:
            console.show_frame_of(result, result.matrix(matrix), output, f"{matrix} of {tables.title(result)}")
        else:
            console.show_result(result, output)
    if len(results) > 1 and not (provenance or long or matrix):
        console.show_frame(tables.overview(results).drop(columns="file"), output, "Means over query sets")


def _show_together(results: list[Result], matrix: str, long: bool, output: str) -> None:
    """One table of several results, for other programs."""
    import pandas as pd

    from hybrid_bench.results import tables

    if long or matrix:
        parts = [result.scores.set_index("suite") if long else result.matrix(matrix) for result in results]
        for part, result in zip(parts, results, strict=True):
            part.insert(0, "encoder", result.stem)
        console.show_frame(pd.concat(parts), output, "")
    else:
        console.show_frame(tables.overview(results), output, "")


@app.command("per-query")
def per_query(
    file: ResultFile,
    measures: Measures = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write; parquet always goes into one. [default: beside the result]")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="table, markdown, latex, html, csv, json or parquet.")] = "csv",
) -> None:
    """Print one row a query, setting and measure, with the ranks of the relevant passages.

    Example: hybrid-bench results per-query results/mini/me5-small.json --format parquet
    """
    from hybrid_bench.results import tables
    from hybrid_bench.results.record import Result
    from hybrid_bench.support import atomic

    if output == "parquet":
        need("parquet", "--format parquet", "pyarrow")
    else:
        tables.check_format(output)
    result = Result.read(file)
    frame = result.per_query((measures or "").split())
    if output == "parquet":
        path = out or file.with_name(f"{result.stem}.queries.parquet")
        with atomic.writing(path) as target:
            frame.to_parquet(target, index=False)
        console.remark(f"wrote {path}")
        return
    frame = frame.set_index("query_set")
    if output != "json":
        frame["ranks"] = frame["ranks"].map(lambda of: " ".join(map(str, of)))
    if out and output != "table":
        atomic.write(out, tables.render(frame, output).encode())
        console.remark(f"wrote {out}")
    else:
        console.show_frame(frame, output, f"Queries of {tables.title(result)}")


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
