"""``hybrid-bench fuse``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console


def command(
    runs: Annotated[
        list[Path], typer.Argument(help="Two or more: TREC runs, folders of them (`evaluate --runs`), or results that have runs.")
    ],
    method: Annotated[str, typer.Option(help="rrf or interpolation.")] = "rrf",
    normalisation: Annotated[str, typer.Option(help="Of scores, by query, for interpolation: raw, min-max or z-score.")] = "raw",
    weights: Annotated[str, typer.Option(help="For interpolation, by commas: .3,.7 [default: equal]")] = "",
    rrf_k: Annotated[int, typer.Option(min=0, help="The constant of rrf.")] = 60,
    depth: Annotated[int, typer.Option(min=1, help="Passages a query that are looked at in each run, and kept.")] = 1000,
    suite: Annotated[str, typer.Option(help="Score the fusion on this suite, into a result.")] = "",
    name: Annotated[str, typer.Option(help="Name of the fusion in its result and runs.")] = "",
    measures: Annotated[str | None, typer.Option(help="Measures of ir_measures, by spaces.")] = None,
    runs_out: Annotated[
        Path | None, typer.Option(help="Write the fused run (or a folder of them) here, without --suite.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of results, with --suite; the runs go beside the result.")] = Path("results"),
    output: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """Fuse runs of the same queries into one, and score it where a suite is named.

    Example: hybrid-bench fuse results/mini/bm25.json me5-small.runs --method rrf --suite mini
    """
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation.fusion import Fusion, evaluate_fusion, fuse_files
    from hybrid_bench.evaluation.runs import RunOptions
    from hybrid_bench.measures.scores import DEFAULT_MEASURES

    try:
        parts = tuple(float(weight) for weight in weights.split(",")) if weights else None
    except ValueError:
        raise HybridBenchError(f"--weights {weights!r} are not numbers", "For example: --weights .3,.7") from None
    fusion = Fusion(method, normalisation, parts, rrf_k, depth)
    if not suite:
        if runs_out is None:
            raise HybridBenchError("nowhere to put the fusion", "Name a file or folder with --runs-out, or a suite with --suite.")
        for path in fuse_files(runs, fusion, runs_out, name or method):
            console.remark(f"wrote {path}")
        return
    result = evaluate_fusion(
        runs,
        suite,
        fusion,
        name=name,
        options=RunOptions(measures.split() if measures else DEFAULT_MEASURES, results=out),
        progress=console.BarProgress(),
    )
    path = result.save(out)
    console.show_result(result, output, f"{result.name} on {result.suite}")
    console.remark(f"wrote {path}")
