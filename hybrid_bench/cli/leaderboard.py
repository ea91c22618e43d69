"""``hybrid-bench leaderboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console

app = typer.Typer(
    help="Boards and their web page, made from submissions and published figures alone.",
    epilog="Example: hybrid-bench leaderboard build",
    no_args_is_help=True,
)
Folder = Annotated[Path, typer.Option(help="Of the boards: submissions/, checks/, published/ and what is made of them.")]


@app.command("build")
def build(
    folder: Folder = Path("leaderboards"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with status 1 if the boards are not what the submissions give.")
    ] = False,
) -> None:
    """Re-score what is new, and make tables and web page; the same bytes every time.

    Example: hybrid-bench leaderboard build --check
    """
    from hybrid_bench.leaderboard import build as boards

    built = boards.build(folder, progress=console.BarProgress())
    console.remark(f"{built.submissions} submissions, {built.scored} of them scored now")
    if check:
        found = boards.differences(folder, built)
        for line in found:
            typer.echo(line)
        if found:
            console.remark(f"Run: hybrid-bench leaderboard build --folder {folder}")
            raise typer.Exit(1)
        typer.echo(f"{len(built.files)} files are what the submissions give")
        return
    for name in boards.write(folder, built):
        typer.echo(folder / name)


@app.command("serve")
def serve(
    folder: Folder = Path("leaderboards"),
    port: Annotated[int, typer.Option(help="0: any that is free.", min=0, max=65535)] = 8000,
) -> None:
    """Show the web page on this machine, until Ctrl+C.

    Example: hybrid-bench leaderboard serve --port 8080
    """
    from hybrid_bench.leaderboard import serving

    with serving.server(folder, port) as server:
        typer.echo(serving.address(server))
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.remark("stopped")
