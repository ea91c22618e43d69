"""``hybrid-bench training-data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.cli import console

if TYPE_CHECKING:
    from hybrid_bench.training.data.mix import Mix

app = typer.Typer(
    help="Look at training data, and build a table of it that is clean of the suites.",
    epilog="Example: hybrid-bench training-data build squad-translated ntrex --out data/mix",
    no_args_is_help=True,
)


@app.command("sources")
def sources(
    output: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """List the sources that are known by name, with their languages and licences. Nothing is downloaded.

    Example: hybrid-bench training-data sources
    """
    from hybrid_bench.results import tables
    from hybrid_bench.results.tables import listing
    from hybrid_bench.training.data.sources import sources as known

    tables.check_format(output)
    rows = [
        (name, " ".join(source.languages), source.description, "; ".join(source.licences)) for name, source in known().items()
    ]
    console.show_frame(listing(("source", "languages", "what", "licence"), rows), output, "Training data")


@app.command("build")
def build(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Names from `training-data sources`, or your own: x.jsonl, or name:en=squad-en.json,de=squad-de.json."
        ),
    ],
    out: Annotated[Path, typer.Option(help="A new folder for the table and its account.")],
    suites: Annotated[
        str, typer.Option(help="Leave out what is in these suites, by commas; none leaves everything in.")
    ] = "xquad-r,mlqa-r",
    output: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """Put sources together, leave out what is in the evaluation suites, and say what was taken and what is left.

    Example: hybrid-bench training-data build squad-translated ntrex --out data/mix
    """
    from hybrid_bench.results import tables
    from hybrid_bench.training.data import mix

    tables.check_format(output)
    kept_apart = [name.strip() for name in suites.split(",") if name.strip() and name.strip() != "none"]
    built = mix.build(names, out, kept_apart, console.BarProgress())
    _show(built, output)
    console.remark(f"wrote {len(built.table)} rows into {out}")


@app.command("show")
def show(
    folder: Annotated[Path, typer.Argument(help="A folder that `training-data build` wrote.")],
    output: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """Print what a table of training data holds, and what was left out of it.

    Example: hybrid-bench training-data show data/mix
    """
    from hybrid_bench.results import tables
    from hybrid_bench.training.data import mix

    tables.check_format(output)
    _show(mix.load(folder), output)


def _show(shown: Mix, output: str) -> None:
    from hybrid_bench.results.tables import listing
    from hybrid_bench.training.data.mix import contents, remarks

    header, *rows = contents(shown.account)
    console.show_frame(listing([*map(str, header)], rows), output, "What is left")
    for line in remarks(shown.account):
        console.remark(line)
