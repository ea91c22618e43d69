"""``hybrid-bench encode``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hybrid_bench.cli import console


def command(
    encoder: Annotated[str, typer.Argument(help="A name from `hybrid-bench encoders`, a folder, or org/model on the hub.")],
    suite: Annotated[str, typer.Option(help="A suite, an ir_datasets id, or a folder in BEIR's layout.")],
    languages: Annotated[str | None, typer.Option(help="These languages alone, by commas: sw,yo.")] = None,
    shards: Annotated[int, typer.Option(min=1, help="Into how many parts the work is divided, for batch systems.")] = 1,
    shard: Annotated[int | None, typer.Option(min=0, help="Which part to do, from 0.")] = None,
    passage_text: Annotated[str, typer.Option(help="What the encoder reads: sentence or sentence+context.")] = "sentence",
    storage: Annotated[str, typer.Option(help="Number format on disk: fp16 or fp32.")] = "fp16",
    dtype: Annotated[str, typer.Option(help="fp32, bf16, fp16, or auto.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU where there is one.")] = "auto",
    executor: Annotated[str, typer.Option(help="Who encodes: local, or a plugin's.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that encode, each with a model of its own.")] = None,
    address: Annotated[str | None, typer.Option(help="Of the executor's cluster, e.g. auto.")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of vectors. [default: in the cache]")] = None,
) -> None:
    """Encode a suite's passages into a store, as a stream; go on where an earlier run stopped; print the store's folder.

    With --shards and --shard only a part is encoded, and several parts may be at work at once. A last run without them (or
    `evaluate`) checks that all are there and completes the store.

    Example: hybrid-bench encode me5-small --suite miracl/sw/dev --shards 64 --shard 7
    """
    from hybrid_bench.datasets.catalog import load_suite
    from hybrid_bench.embeddings.locking import Part
    from hybrid_bench.encoders.load import load_encoder
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation.streamed import StreamedSuite, Streaming

    if shards > 1 and shard is None:
        raise HybridBenchError(f"which of the {shards} parts?", f"Say --shard 0 to --shard {shards - 1}.")
    part = Part(shard or 0, shards)
    asked = load_suite(suite)
    chosen = asked.restrict([language.strip() for language in languages.split(",")]) if languages else asked
    streaming = Streaming(
        storage=storage,  # type: ignore[arg-type]  # checked there
        store=store,
        executor=executor,
        workers=workers,
        address=address,
    )
    options: dict[str, Any] = {"dtype": dtype, "device": device}
    bar = console.BarProgress()
    streamed = StreamedSuite(
        load_encoder(encoder, **options),
        chosen,
        streaming,
        passage_text=passage_text,  # type: ignore[arg-type]  # checked where it is used
        name=encoder,
        options=options,
        progress=bar,
    )
    with bar:
        for language in chosen.passage_languages:
            collection = streamed.encode(language, part)
            done = f"{len(collection):,} passages" if collection else f"part {part.number} of {part.of}"
            bar.say(f"{language}: {done}")
    typer.echo(streamed.folder)
