"""``hybrid-bench leaderboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console

app = typer.Typer(
    help="Build and serve the leaderboards of submissions and published figures.",
    epilog="Example: hybrid-bench leaderboard build",
    no_args_is_help=True,
)
Folder = Annotated[Path, typer.Option(help="Folder of the leaderboards, with submissions/, checks/, published/ and boards/.")]


@app.command("build")
def build(
    folder: Folder = Path("leaderboards"),
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Write nothing; exit with status 1 if the generated files are out of date, 2 if a submission has errors.",
        ),
    ] = False,
) -> None:
    """Re-score new submissions and write tables and web page; the output is deterministic.

    A submission with errors is left out, and its findings are printed.

    Example: hybrid-bench leaderboard build --check
    """
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.leaderboard import build as boards

    built = boards.build(folder, progress=console.BarProgress())
    console.remark(f"{built.submissions} submissions, {built.scored} re-scored")
    for phrase in built.suspicious:
        console.remark(f"suspicious, and no one re-ran it: {phrase}")
    for name, findings in built.left_out.items():
        console.remark(f"left out {name}:")
        for one in findings:
            console.remark(f"  {one.of(Path(name))}")
    if check and built.left_out:
        raise HybridBenchError(
            f"{len(built.left_out)} submissions have errors: {', '.join(built.left_out)}",
            "Run: hybrid-bench submit check FOLDER",
        )
    if check:
        found = boards.differences(folder, built)
        for line in found:
            console.echo(line)
        if found:
            console.remark(f"Run: hybrid-bench leaderboard build --folder {folder}")
            raise typer.Exit(1)
        console.echo(f"{len(built.files)} files are up to date")
        return
    for name in boards.write(folder, built):
        console.echo(folder / name)


@app.command("serve")
def serve(
    folder: Folder = Path("leaderboards"),
    port: Annotated[int, typer.Option(help="Port; 0 for any free port.", min=0, max=65535)] = 8000,
) -> None:
    """Serve the web page on localhost until Ctrl+C.

    Example: hybrid-bench leaderboard serve --port 8080
    """
    from hybrid_bench.leaderboard import serving

    with serving.server(folder, port) as server:
        console.echo(serving.address(server))
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.remark("stopped")
