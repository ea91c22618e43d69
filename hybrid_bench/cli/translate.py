"""``hybrid-bench translate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console


def command(
    data: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A name from `training-data sources`, a folder that `training-data build` wrote, a file of JSON lines, "
            "or a file in SQuAD's format.",
        ),
    ],
    to: Annotated[str, typer.Option(help="Languages to add, by commas: de,fr.")],
    model: Annotated[str, typer.Option(help="A folder or an id on the hub: NLLB, M2M100 or OPUS-MT.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for parallel.jsonl; run again into the same to go on. [default: translated/<name of INPUT>]"),
    ] = None,
    source: Annotated[str, typer.Option("--from", help="The language to translate from.")] = "en",
    translator: Annotated[str, typer.Option(help="Who translates: seq2seq, or a plugin's.")] = "seq2seq",
    revision: Annotated[str | None, typer.Option(help="Revision of the model on the hub.")] = None,
    beams: Annotated[int, typer.Option(min=1, help="Of the search; 1 is greedy.")] = 4,
    dtype: Annotated[str, typer.Option(help="fp32, bf16, fp16, or auto.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU where there is one.")] = "auto",
) -> None:
    """Make parallel training data by machine translation, sentence by sentence, so that answers stay known.

    The file that it writes is a source for `hybrid-bench training-data build` and for recipes.

    Example: hybrid-bench translate squad --to ar,de --model facebook/nllb-200-distilled-600M
    """
    from hybrid_bench.training.data.readers import jsonl
    from hybrid_bench.training.data.sources import called, read_table
    from hybrid_bench.training.data.translation.protocol import REGISTRY
    from hybrid_bench.training.data.translation.table import check_place, translate

    targets = [language.strip() for language in to.split(",") if language.strip()]
    table = read_table(data, source)
    out = out or Path("translated") / called(data).partition(".")[0]
    path = out / "parallel.jsonl"
    check_place(path, table, targets, source)
    chosen = REGISTRY.get(translator)(model, revision=revision, device=device, dtype=dtype, beams=beams)
    translated = translate(table, targets, chosen, out / "parts", source=source, progress=console.BarProgress())
    jsonl.save(translated, path)
    console.remark(f"wrote {len(translated)} rows in {', '.join(translated.languages)} to {path}")
    typer.echo(str(path))
