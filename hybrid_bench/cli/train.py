"""``hybrid-bench train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console


def command(
    recipe: Annotated[Path, typer.Argument(help="A TOML file that states every choice; see recipes/.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the encoder. [default: trained/<name of the recipe>]")] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="A key that wins over the file's, e.g. --set optimiser.steps=100; repeatable."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU where there is one.")] = "auto",
    publish: Annotated[
        Path | None, typer.Option(help="Folder that gets the small files of the finished training, e.g. a plugin's.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the recipe with every choice written out, and leave.")] = False,
) -> None:
    """Train an encoder by a recipe; a killed training goes on where it was.

    Several GPUs or processes: torchrun --nproc-per-node 4 --module hybrid_bench train ...

    Example: hybrid-bench train recipes/hybrid-me5-small.toml --out trained/hybrid-me5-small
    """
    from hybrid_bench.training.recipe import Recipe, parse_changes

    chosen = Recipe.read(recipe, parse_changes(change or []))
    if show:
        typer.echo(chosen.to_toml(), nl=False)
        return
    from hybrid_bench.training.encoder.published import check_target
    from hybrid_bench.training.encoder.published import publish as copy
    from hybrid_bench.training.train import is_first, train

    folder = out or Path("trained") / chosen.name
    if publish:
        check_target(folder, publish)
    train(chosen, folder, device=device, progress=console.BarProgress())
    if not is_first():
        return
    console.remark(f"wrote {folder}")
    if publish:
        console.remark(f"copied {', '.join(path.name for path in copy(folder, publish))} into {publish}")
    console.remark(f"next: hybrid-bench evaluate {folder} --suite {(*chosen.data.clean_of, 'mini')[0]}")
