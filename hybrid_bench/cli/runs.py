"""``hybrid-bench runs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console

app = typer.Typer(
    help="Export runs for other programs.",
    epilog="Example: hybrid-bench runs export results/mini/bm25.json runs",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Export runs for other programs."""


@app.command("export")
def export(
    source: Annotated[
        Path, typer.Argument(help="A result that has runs, a folder of runs as `evaluate --runs` writes it, or a run.")
    ],
    folder: Annotated[Path, typer.Argument(help="Folder for the files <query set>-<pool>.trec.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Write runs as plain TREC text, which trec_eval, ir_measures, ranx, PyTerrier and BEIR read.

    Example: hybrid-bench runs export results/mini/bm25.json runs
    """
    from hybrid_bench.evaluation.fusion_inputs import name_of, named_files
    from hybrid_bench.results.run_export import export as write

    for path in write(named_files(source), folder, name_of(source), overwrite=overwrite):
        console.remark(f"wrote {path}")
