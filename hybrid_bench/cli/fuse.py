"""``hybrid-bench fuse``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Format, Measures, OptionalSuiteName, Out, Overwrite, separated


def command(
    runs: Annotated[
        list[Path], typer.Argument(help="Two or more: TREC runs, folders of runs (`evaluate --runs`), or results that have runs.")
    ],
    method: Annotated[str, typer.Option(help="rrf or interpolation.")] = "rrf",
    normalisation: Annotated[
        str, typer.Option(help="For interpolation, of the scores of each query: raw, min-max or z-score.")
    ] = "raw",
    weights: Annotated[str, typer.Option(help="For interpolation, comma-separated: .3,.7 [default: equal]")] = "",
    rrf_k: Annotated[int, typer.Option(min=0, help="The constant k of rrf.")] = 60,
    depth: Annotated[int, typer.Option(min=1, help="Passages per query that are read from each run and kept, at most.")] = 1000,
    suite: OptionalSuiteName = "",
    name: Annotated[str, typer.Option(help="Name of the fusion in its result and runs.")] = "",
    measures: Measures = None,
    runs_out: Annotated[Path | None, typer.Option(help="Without --suite: file or folder for the fused runs.")] = None,
    out: Out = Path("results"),
    overwrite: Overwrite = False,
    output: Format = "table",
) -> None:
    """Fuse runs of the same queries, and score the fusion if a suite is given.

    With --suite the result is saved in the folder of results, with the fused runs beside it.

    Example: hybrid-bench fuse results/mini/bm25.json me5-small.runs --method rrf --suite mini
    """
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation.fusion import Fusion, evaluate_fusion, fuse_files
    from hybrid_bench.evaluation.runs import RunOptions
    from hybrid_bench.measures.scores import DEFAULT_MEASURES

    try:
        parts = tuple(map(float, separated(weights))) or None
    except ValueError:
        raise HybridBenchError(f"--weights {weights!r} are not numbers", "For example: --weights .3,.7") from None
    if len(runs) < 2:
        raise HybridBenchError(
            "fusion needs two runs or more",
            "Name another run, or score one run with: hybrid-bench evaluate --run RUN --suite SUITE",
        )
    fusion = Fusion(method, normalisation, parts, rrf_k, depth)
    if not suite:
        if runs_out is None:
            raise HybridBenchError("the fusion has no output", "Name a file or folder with --runs-out, or a suite with --suite.")
        notes: list[str] = []
        written = fuse_files(runs, fusion, runs_out, name or method, overwrite=overwrite, notes=notes)
        for line in [*(f"note: {note}" for note in notes), *(f"wrote {path}" for path in written)]:
            console.remark(line)
        return
    result = evaluate_fusion(
        runs,
        suite,
        fusion,
        name=name,
        options=RunOptions(measures.split() if measures else DEFAULT_MEASURES, results=out, overwrite=overwrite),
        progress=console.BarProgress(),
    )
    console.save(result, out, overwrite=overwrite)
    console.show_result(result, output, f"{result.name} on {result.suite}")
