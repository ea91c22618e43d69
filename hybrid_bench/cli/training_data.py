"""``hybrid-bench training-data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Format

if TYPE_CHECKING:
    from hybrid_bench.training.data.mix import Mix

app = typer.Typer(
    help="Inspect training data, and build tables of it without evaluation data.",
    epilog="Example: hybrid-bench training-data build squad-translated ntrex --out data/mix",
    no_args_is_help=True,
)


@app.command("sources")
def sources(
    output: Format = "table",
) -> None:
    """List the known sources with their languages and licences. Downloads nothing.

    Example: hybrid-bench training-data sources
    """
    from hybrid_bench.results import tables
    from hybrid_bench.results.tables import listing
    from hybrid_bench.training.data.sources import sources as known

    tables.check_format(output)
    rows = []
    for name, source in known().items():
        first, *others = source.licences
        licence = f"{first} ..." if others and output == "table" else "; ".join(source.licences)
        rows.append((name, " ".join(source.languages), source.description, licence))
    console.show_frame(listing(("source", "languages", "description", "licence"), rows), output, "Training data")
    if output == "table":
        console.remark("All licences of a source: --format csv.")


@app.command("build")
def build(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Names from `training-data sources`, or your own: x.jsonl, or name:en=squad-en.json,de=squad-de.json."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Output folder for the table and its manifest.")],
    suites: Annotated[
        str, typer.Option(help="Comma-separated suites whose data are removed; 'none' removes nothing.")
    ] = "xquad-r,mlqa-r",
    held_out_articles: Annotated[
        str, typer.Option(help="Comma-separated suites of which whole articles are removed too, e.g. squad-dev-r.")
    ] = "",
    output: Format = "table",
) -> None:
    """Combine sources to one table, remove evaluation data, and report the removed and the remaining rows.

    Example: hybrid-bench training-data build squad-translated ntrex --out data/mix
    """
    from hybrid_bench.results import tables
    from hybrid_bench.training.data import mix

    tables.check_format(output)
    evaluation_suites, held_out = (
        [name.strip() for name in text.split(",") if name.strip() and name.strip() != "none"]
        for text in (suites, held_out_articles)
    )
    built = mix.build(names, out, evaluation_suites, console.BarProgress(), articles_of=held_out)
    _show(built, output)
    console.remark(f"wrote {len(built.table)} rows to {out}")


@app.command("import")
def import_(
    dataset: Annotated[str, typer.Argument(help="An id of the Hugging Face Hub, or a folder that `datasets` loads.")],
    out: Annotated[Path, typer.Option(help="Output file, e.g. data/wiki-qa.jsonl. Its name becomes the source of the rows.")],
    question: Annotated[str, typer.Option(help="Column of the question; a dot leads into a nested column.")],
    passage: Annotated[str | None, typer.Option(help="Column of the answer passage.")] = None,
    context: Annotated[str | None, typer.Option(help="Column of the paragraph.")] = None,
    answers: Annotated[
        str | None, typer.Option(help="Without --passage: column of the answers; the passage is the sentence with the first one.")
    ] = None,
    article: Annotated[str | None, typer.Option(help="Column of the article's title.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="column=value: read only these records; repeatable.")] = None,
    language: Annotated[str, typer.Option(help="Language of the texts.")] = "en",
    config: Annotated[str | None, typer.Option(help="Configuration of the data set.")] = None,
    split: Annotated[str, typer.Option(help="Split of the data set; [:1000] takes a part.")] = "train",
    revision: Annotated[str | None, typer.Option(help="Commit of the data set. [default: the newest]")] = None,
) -> None:
    """Convert a question answering data set of the Hugging Face Hub to JSON lines, a source for recipes and `translate`.

    Example: hybrid-bench training-data import microsoft/wiki_qa --question question --passage answer --out data/wiki-qa.jsonl
    """
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.training.data.readers import hub_dataset, jsonl

    if out.suffix != ".jsonl":
        raise HybridBenchError(f"--out {out} is not a .jsonl file", "Sources in JSON lines are recognised by their ending.")
    conditions = {column: value for column, _, value in (one.partition("=") for one in where or [])}
    columns = hub_dataset.Columns(question, passage, context, answers, article, conditions)
    name = out.name.partition(".")[0]
    reading = hub_dataset.read(name, dataset, columns, language=language, config=config, split=split, revision=revision)
    jsonl.save(reading.table(), out)
    for (_, what), count in sorted(reading.skipped.items()):
        console.remark(f"{count} {what}")
    console.remark(f"wrote {len(reading.rows)} rows to {out}")


@app.command("show")
def show(
    folder: Annotated[Path, typer.Argument(help="A folder written by `training-data build`.")],
    output: Format = "table",
) -> None:
    """Print the contents of a table of training data, and what was removed from it.

    Example: hybrid-bench training-data show data/mix
    """
    from hybrid_bench.results import tables
    from hybrid_bench.training.data import mix

    tables.check_format(output)
    _show(mix.load(folder), output)


def _show(shown: Mix, output: str) -> None:
    from hybrid_bench.results.tables import listing
    from hybrid_bench.training.data.mix import contents, remarks

    header, *rows = contents(shown.manifest)
    console.show_frame(listing([*map(str, header)], rows), output, "Remaining data")
    for line in remarks(shown.manifest):
        console.remark(line)
