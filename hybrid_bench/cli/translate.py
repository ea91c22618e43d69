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
            help="A name from `training-data sources`, a folder written by `training-data build`, a JSON lines file, "
            "or a SQuAD file.",
        ),
    ],
    to: Annotated[str, typer.Option(help="Comma-separated languages to add: de,fr.")],
    model: Annotated[str, typer.Option(help="A folder or Hugging Face id of an NLLB, M2M100 or OPUS-MT model.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Output folder for parallel.jsonl; use the same one to resume. [default: translated/<name of INPUT>]"),
    ] = None,
    source: Annotated[str, typer.Option("--from", help="The language to translate from.")] = "en",
    translator: Annotated[str, typer.Option(help="Translator: seq2seq, or one of a plugin.")] = "seq2seq",
    revision: Annotated[str | None, typer.Option(help="Revision of the model on the Hugging Face Hub.")] = None,
    beams: Annotated[int, typer.Option(min=1, help="Beams of the beam search; 1 is greedy search.")] = 4,
    dtype: Annotated[str, typer.Option(help="fp32, bf16, fp16, or auto.")] = "fp32",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU if available.")] = "auto",
) -> None:
    """Create parallel training data by machine translation, sentence by sentence.

    The passage that answers a question stays known. The output file is a source for recipes and for
    `hybrid-bench training-data build`.

    Example: hybrid-bench translate squad --to ar,de --model facebook/nllb-200-distilled-600M
    """
    from hybrid_bench.training.data.readers import jsonl
    from hybrid_bench.training.data.sources import read_table, source_name
    from hybrid_bench.training.data.translation.protocol import REGISTRY
    from hybrid_bench.training.data.translation.table import check_output, translate

    targets = [language.strip() for language in to.split(",") if language.strip()]
    table = read_table(data, source)
    out = out or Path("translated") / source_name(data).partition(".")[0]
    path = out / "parallel.jsonl"
    check_output(path, table, targets, source)
    chosen = REGISTRY.get(translator)(model, revision=revision, device=device, dtype=dtype, beams=beams)
    translated = translate(table, targets, chosen, out / "parts", source=source, progress=console.BarProgress())
    jsonl.save(translated, path)
    console.remark(f"wrote {len(translated)} rows in {', '.join(translated.languages)} to {path}")
    console.echo(str(path))
