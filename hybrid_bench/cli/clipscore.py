"""``hybrid-bench clipscore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Device, Dtype, Format, Store, TrustRemoteCode


def command(
    encoder: Annotated[str, typer.Argument(help="An encoder of texts and images: a name, a folder, or org/model on the hub.")],
    pairs: Annotated[Path, typer.Option(help="JSON lines: image (a path), caption, references, language.")],
    prefix: Annotated[str, typer.Option(help="What stands before every text; '' for nothing.")] = "A photo depicts ",
    scores: Annotated[Path | None, typer.Option(help="Write the scores of every pair into this file, as JSON lines.")] = None,
    dtype: Dtype = "fp32",
    device: Device = "auto",
    trust_remote_code: TrustRemoteCode = False,
    store: Store = None,
    output: Format = "table",
) -> None:
    """Score captions of images: CLIPScore and RefCLIPScore, by language.

    Example: hybrid-bench clipscore openai/clip-vit-base-patch32 --pairs pairs.jsonl
    """
    from hybrid_bench.encoders.load import load_encoder
    from hybrid_bench.evaluation.clip_pairs import read_pairs, score_pairs
    from hybrid_bench.results import tables
    from hybrid_bench.support import atomic

    tables.check_format(output)
    given = read_pairs(pairs)
    judge = load_encoder(
        encoder,
        dtype=dtype,
        device=device,
        trust_remote_code=trust_remote_code,
        modalities=("text", "image"),
        needed_by="CLIPScore",
    )
    found = score_pairs(judge, given, prefix=prefix, store=store, progress=console.BarProgress())
    if scores:
        atomic.write(scores, "".join(f"{line}\n" for line in found.lines()).encode())
    console.show_frame(found.by_language(), output, f"CLIPScore by {judge.card.name} (prefix {prefix!r})")
