"""``hybrid-bench texts``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Languages, PassageTextOption, SuiteNames, separated

app = typer.Typer(
    help="Export the texts of suites, to embed them with another program.",
    epilog="Example: hybrid-bench texts export --suite xquad-r --out texts",
    no_args_is_help=True,
)


@app.command("export")
def export(
    suite: SuiteNames,
    out: Annotated[Path, typer.Option(help="Folder of the texts: <out>/<suite>.")] = Path("texts"),
    languages: Languages = None,
    passage_text: PassageTextOption = "sentence",
    formats: Annotated[str, typer.Option("--format", help="Comma-separated: jsonl, parquet.")] = "jsonl",
) -> None:
    """Write the queries and passages of suites, and print their folders. `evaluate --vectors` reads their vectors.

    Example: hybrid-bench texts export --suite xquad-r --out texts
    """
    from hybrid_bench.datasets import texts
    from hybrid_bench.datasets.resolvers import load_suite

    for whole in [load_suite(name) for name in separated(suite)]:
        folder = texts.export(
            whole,
            out,
            passage_text=passage_text,  # type: ignore[arg-type]  # checked there
            languages=separated(languages),
            formats=separated(formats),
            say=console.remark,
        )
        console.echo(folder)
