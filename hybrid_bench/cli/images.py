"""``hybrid-bench images``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console

app = typer.Typer(
    help="Say where the images of a suite are; they are your own copies, and none is downloaded.",
    epilog="Example: hybrid-bench images add multi30k --from flickr30k-images",
    no_args_is_help=True,
)

#: Names of missing images that are shown.
_SHOWN = 10


@app.callback()
def _group() -> None:
    pass


@app.command("add")
def add(
    dataset: Annotated[str, typer.Argument(help="multi30k, multi30k-flickr8k, xflickrco, xtd10 or xm3600.")],
    folder: Annotated[Path, typer.Option("--from", help="A folder that has the images, also in subfolders.")],
) -> None:
    """Look for the images of a dataset in a folder, check them by name and hash, and note where they are.

    Nothing is copied. Images that are missing are listed; add another folder for them.

    Example: hybrid-bench images add multi30k --from flickr30k-images
    """
    from hybrid_bench.datasets.captioned import add_images

    added = add_images(dataset, folder)
    console.remark(f"found {len(added.found):,} images of {dataset} in {folder}")
    if added.differing:
        console.remark(
            f"{len(added.differing):,} of them are other copies than those of the published figures "
            f"(size or compression), first {added.differing[0]}: scores will differ a little"
        )
    if added.missing:
        console.remark(f"{len(added.missing):,} images are missing:")
        for name in added.missing[:_SHOWN]:
            console.echo(name)
        if len(added.missing) > _SHOWN:
            console.remark("... (name another folder that has them)")
