"""``hybrid-bench datasets``."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from hybrid_bench.cli import console

app = typer.Typer(
    help="Look at datasets.",
    epilog="Example: hybrid-bench datasets export xquad-r/de/en queries",
    no_args_is_help=True,
)


class Part(str, Enum):
    """What an entry can hold."""

    docs = "docs"
    queries = "queries"
    qrels = "qrels"


@app.command("export")
def export(
    dataset: Annotated[str, typer.Argument(help="An ir_datasets id, e.g. xquad-r/de/en or miracl/yo/dev.")],
    part: Annotated[Part, typer.Argument(help="What to print.")],
    output: Annotated[str, typer.Option("--format", help="tsv or jsonl; trec for qrels.")] = "",
    fields: Annotated[str, typer.Option(help="These fields alone, by commas.")] = "",
) -> None:
    """Print the documents, queries or qrels of any ir_datasets entry, the ones from here included.

    Example: hybrid-bench datasets export xquad-r/de/en queries
    """
    from hybrid_bench.datasets.export import export as export_entry

    export_entry(dataset, part.value, output, [field for field in fields.split(",") if field], console.write)


@app.command("list")
def list_ids(
    prefix: Annotated[str, typer.Argument(help="Only ids that begin so.")] = "",
) -> None:
    """Print the ids of all ir_datasets entries, a line each.

    Example: hybrid-bench datasets list xquad-r/de
    """
    import ir_datasets

    from hybrid_bench.datasets.irds_entries import register

    register()
    for name in sorted(ir_datasets.registry):
        if name.startswith(prefix):
            console.echo(name)
