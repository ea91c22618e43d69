"""``hybrid-bench search``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console


def command(
    store: Annotated[Path, typer.Argument(help="The folder that `hybrid-bench encode` printed.")],
    suite: Annotated[str, typer.Option(help="The suite that was encoded.")],
    languages: Annotated[str | None, typer.Option(help="These languages alone, by commas: sw,yo.")] = None,
    encoder: Annotated[str, typer.Option(help="Who encodes the queries. [default: the store's encoder]")] = "",
    index: Annotated[str, typer.Option(help="exact, or by FAISS: flat, hnsw, ivfpq; its recall is reported.")] = "exact",
    depth: Annotated[int, typer.Option(min=1, help="Passages a query.")] = 1000,
    measures: Annotated[str, typer.Option(help="Measures of ir_measures, by spaces.")] = "nDCG@10 R@100",
    dtype: Annotated[str, typer.Option(help="fp32, bf16, fp16, or auto.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU where there is one.")] = "auto",
    executor: Annotated[str, typer.Option(help="Who searches: local, or a plugin's.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Of the executor.")] = None,
    address: Annotated[str | None, typer.Option(help="Of the executor's cluster, e.g. auto.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of results; the runs go beside the result.")] = Path("results"),
    output: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """Search encoded passages, and score the runs. Nothing is encoded but queries, and a store that is not sound is refused.

    Example: hybrid-bench search STORE --suite miracl/sw/dev --index hnsw
    """
    from hybrid_bench.datasets.catalog import load_suite
    from hybrid_bench.evaluation.stored import search_store
    from hybrid_bench.evaluation.streamed import Streaming
    from hybrid_bench.results import tables

    tables.check_format(output)
    asked = load_suite(suite)
    chosen = asked.restrict([language.strip() for language in languages.split(",")]) if languages else asked
    result = search_store(
        store,
        chosen,
        Streaming(executor=executor, workers=workers, address=address, depth=depth),
        encoder=encoder,
        encoder_options={"dtype": dtype, "device": device},
        index=index,
        measures=measures.split(),
        out=out,
        progress=console.BarProgress(),
    )
    path = result.save(out)
    console.show_result(result, output)
    console.remark(f"wrote {path}")
