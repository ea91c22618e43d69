"""``hybrid-bench encode``."""

from __future__ import annotations

from typing import Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.encoder_options import declared
from hybrid_bench.cli.options import (
    Address,
    BatchSize,
    Device,
    Dtype,
    EncoderName,
    ExecutorName,
    Languages,
    PassageTextOption,
    SimilarityOption,
    StorageOption,
    Store,
    SuiteName,
    Workers,
    separated,
)


def command(
    context: typer.Context,
    encoder: EncoderName,
    suite: SuiteName,
    languages: Languages = None,
    shards: Annotated[int, typer.Option(min=1, help="Number of parts to divide the passages into, e.g. for a batch system.")] = 1,
    shard: Annotated[int | None, typer.Option(min=0, help="The part to encode, from 0.")] = None,
    passage_text: PassageTextOption = "sentence",
    storage: StorageOption = None,
    dtype: Dtype = "fp32",
    device: Device = "auto",
    batch_size: BatchSize = None,
    similarity: SimilarityOption = None,
    executor: ExecutorName = "local",
    workers: Workers = None,
    address: Address = None,
    store: Store = None,
) -> None:
    """Encode a suite's passages into a store, as a stream, and print the store's folder. An interrupted run resumes.

    With --shards and --shard only one part is encoded; several parts can be encoded at the same time. A last run without these
    options (or `evaluate`) checks all parts and completes the store.

    Example: hybrid-bench encode me5-small --suite miracl/sw/dev --shards 64 --shard 7
    """
    from hybrid_bench.datasets.resolvers import load_suite
    from hybrid_bench.embeddings.locking import Part
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation.large_suite import LargeSuite
    from hybrid_bench.evaluation.options import EvaluationOptions

    if shards > 1 and shard is None:
        raise HybridBenchError(f"--shards {shards} needs the part to encode", f"Add --shard 0 to --shard {shards - 1}.")
    part = Part(shard or 0, shards)
    options = EvaluationOptions(
        languages=separated(languages) or None,
        passage_text=passage_text,  # type: ignore[arg-type]  # checked there
        encoder={"dtype": dtype, "device": device, "similarity": similarity, "batch_size": batch_size, **declared(context)},
        store=store,
        executor=executor,
        workers=workers,
        address=address,
        storage=storage,  # type: ignore[arg-type]  # checked there
    )
    bar = console.BarProgress()
    large = LargeSuite.of(encoder, options.restricted(load_suite(suite)), options, bar)
    with bar:
        for collection in large.suite.collections:
            stored = large.encode(collection.name, part)
            done = f"{len(stored):,} passages" if stored else f"part {part.number} of {part.of}"
            bar.say(f"{collection.name}: {done}")
    console.echo(large.folder)
