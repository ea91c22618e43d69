"""``hybrid-bench train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console


def command(
    recipe: Annotated[Path, typer.Argument(help="Recipe: a TOML file with every setting of the training; see recipes/.")],
    out: Annotated[Path | None, typer.Option(help="Output folder. [default: trained/<name of the recipe>]")] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override a key of the recipe, e.g. --set optimiser.steps=100; repeatable."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU if available.")] = "auto",
    publish: Annotated[
        Path | None, typer.Option(help="Copy the small files of the finished training to this folder, e.g. of a plugin.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the recipe with every value written out, and exit.")] = False,
) -> None:
    """Train an encoder with a recipe, or resume an interrupted training.

    Several GPUs or processes: torchrun --nproc-per-node 4 --module hybrid_bench train ...

    Example: hybrid-bench train recipes/hybrid-me5-small.toml --out trained/hybrid-me5-small
    """
    from hybrid_bench.training.recipe import Recipe, parse_changes

    chosen = Recipe.read(recipe, parse_changes(change or []))
    if show:
        console.write(chosen.to_toml())
        return
    from hybrid_bench.training.encoder.published import check_target
    from hybrid_bench.training.encoder.published import publish as copy
    from hybrid_bench.training.train import is_first, train

    folder = out or Path("trained") / chosen.name
    if publish:
        check_target(folder, publish)
    train(chosen, folder, device=device, progress=console.BarProgress(chosen.averaging.trainings))
    if not is_first():
        return
    console.remark(f"wrote {folder}")
    if publish:
        console.remark(f"copied {', '.join(path.name for path in copy(folder, publish))} into {publish}")
    console.remark(f"next: hybrid-bench evaluate {folder} --suite {(*chosen.data.clean_of, 'mini')[0]}")
