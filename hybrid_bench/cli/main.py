"""The command-line program: its commands and error handling."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from hybrid_bench.cli import (
    compare,
    datasets,
    doctor,
    encode,
    encoders,
    evaluate,
    fuse,
    leaderboard,
    reproduce,
    results,
    search,
    study,
    submit,
    suites,
    train,
    training_data,
    translate,
)
from hybrid_bench.cli.plugin_commands import PluginGroup
from hybrid_bench.errors import HybridBenchError

app = typer.Typer(
    name="hybrid-bench",
    cls=PluginGroup,
    help="How well does an encoder retrieve in one language, across languages, and from a pool of mixed languages?",
    epilog="Example: hybrid-bench evaluate me5-small --suite mini",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("evaluate")(evaluate.command)
app.command("encode")(encode.command)
app.command("search")(search.command)
app.command("compare")(compare.command)
app.command("fuse")(fuse.command)
app.command("reproduce")(reproduce.command)
app.command("translate")(translate.command)
app.command("train")(train.command)
app.command("encoders")(encoders.command)
app.command("suites")(suites.command)
app.command("doctor")(doctor.command)
app.add_typer(datasets.app, name="datasets")
app.add_typer(results.app, name="results")
app.add_typer(submit.app, name="submit")
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(study.app, name="study")
app.add_typer(training_data.app, name="training-data")


def _print_version(asked: bool) -> None:
    if asked:
        from hybrid_bench.support.versions import hybrid_bench

        typer.echo(f"hybrid-bench {hybrid_bench()}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line. A HybridBenchError is printed without a traceback and the exit status is 2."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except HybridBenchError as error:
        if "--debug" in sys.argv:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of standard output is gone (for example `| head`). Avoid a second error when Python closes its streams.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        # A file where a folder is expected, a full disk, no permission: possible in any command.
        if "--debug" in sys.argv or error.filename is None or error.strerror is None:
            raise
        typer.echo(f"error: {error.filename}: {error.strerror}\n  Fix that path or choose another one.", err=True)
        sys.exit(2)
