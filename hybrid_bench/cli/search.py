"""``hybrid-bench search``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.encoder_options import declared
from hybrid_bench.cli.options import (
    DTYPE_HELP,
    Address,
    Depth,
    Device,
    DropOwn,
    ExecutorName,
    Format,
    Index,
    Languages,
    Measures,
    Out,
    Overwrite,
    PassageTextOption,
    ResultName,
    SimilarityOption,
    StorageOption,
    Strict,
    SuiteName,
    Workers,
    separated,
)


def command(
    context: typer.Context,
    suite: SuiteName,
    store: Annotated[
        Path | None,
        typer.Argument(help="The folder that `hybrid-bench encode` printed. [default: that of --encoder in the cache]"),
    ] = None,
    languages: Languages = None,
    encoder: Annotated[str, typer.Option(help="Encoder of the queries. [default: the store's encoder]")] = "",
    index: Index = "exact",
    depth: Depth = None,
    measures: Measures = None,
    passage_text: PassageTextOption = "sentence",
    storage: StorageOption = None,
    dtype: Annotated[str | None, typer.Option(help=f"{DTYPE_HELP} [default: the store's, or fp32]")] = None,
    device: Device = "auto",
    similarity: SimilarityOption = None,
    executor: ExecutorName = "local",
    workers: Workers = None,
    address: Address = None,
    drop_own: DropOwn = None,
    strict: Strict = False,
    out: Out = Path("results"),
    name: ResultName = "",
    overwrite: Overwrite = False,
    output: Format = "table",
) -> None:
    """Search stored vectors of passages, exactly or by FAISS, and score the runs.

    With a store, only queries are encoded, and a corrupt or incomplete store is refused. Without one, the vectors of --encoder
    in the cache are searched; missing ones are encoded first.

    Example: hybrid-bench search STORE --suite miracl/sw/dev --index hnsw
    """
    from hybrid_bench.datasets.resolvers import load_suite
    from hybrid_bench.evaluation.options import EvaluationOptions
    from hybrid_bench.evaluation.stored import search_store
    from hybrid_bench.results import tables

    tables.check_format(output)
    options = EvaluationOptions(
        languages=separated(languages) or None,
        passage_text=passage_text,  # type: ignore[arg-type]  # checked there
        measures=tuple(measures.split()) if measures else None,
        encoder={"dtype": dtype, "device": device, "similarity": similarity, **declared(context)},
        executor=executor,
        workers=workers,
        address=address,
        storage=storage,  # type: ignore[arg-type]  # checked there
        depth=depth,
        results=out,
        drop_own=drop_own,
        strict=strict,
        name=name,
        overwrite=overwrite,
    )
    result = search_store(
        load_suite(suite),
        options,
        store=store,
        encoder=encoder,
        index=index,
        progress=console.BarProgress(),
    )
    console.save(result, out, overwrite=overwrite)
    console.show_result(result, output)
