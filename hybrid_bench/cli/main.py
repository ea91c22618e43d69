"""The command-line program: its commands and error handling."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import Annotated

import typer

from hybrid_bench.cli import (
    clipscore,
    compare,
    console,
    datasets,
    doctor,
    encode,
    encoders,
    evaluate,
    fuse,
    images,
    leaderboard,
    progress,
    report,
    reproduce,
    results,
    runs,
    search,
    streams,
    study,
    submit,
    suites,
    texts,
    train,
    training_data,
    translate,
)
from hybrid_bench.cli.encoder_options import EncoderCommand
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
app.command("evaluate", cls=EncoderCommand)(evaluate.command)
app.command("encode", cls=EncoderCommand)(encode.command)
app.command("search", cls=EncoderCommand)(search.command)
app.command("compare")(compare.command)
app.command("report")(report.command)
app.command("clipscore")(clipscore.command)
app.command("fuse")(fuse.command)
app.command("reproduce")(reproduce.command)
app.command("translate")(translate.command)
app.command("train")(train.command)
app.command("suites")(suites.command)
app.command("doctor")(doctor.command)
app.add_typer(encoders.app, name="encoders")
app.add_typer(datasets.app, name="datasets")
app.add_typer(texts.app, name="texts")
app.add_typer(images.app, name="images")
app.add_typer(results.app, name="results")
app.add_typer(runs.app, name="runs")
app.add_typer(submit.app, name="submit")
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(study.app, name="study")
app.add_typer(training_data.app, name="training-data")


def _guard(commands: typer.Typer) -> None:
    """Let only results reach standard output in every command; not in those of plugins, which print as they like."""
    for command in commands.registered_commands:
        if command.callback:
            command.callback = streams.results_only()(command.callback)
    for group in commands.registered_groups:
        if group.typer_instance:
            _guard(group.typer_instance)
            listing = group.typer_instance.registered_callback
            if listing and listing.callback:
                listing.callback = streams.results_only()(listing.callback)


_guard(app)


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
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress and no messages but warnings and errors.")] = False,
) -> None:
    progress.quiet = quiet


def main() -> None:
    """Run the command line. An error that a user can fix is printed without a traceback, and the exit status is 2.

    ``--debug`` and ``--quiet`` may stand anywhere.
    """
    streams.prepare()
    ahead = [word for word in sys.argv[1:] if word in ("--debug", "--quiet")]
    sys.argv[1:] = [*ahead, *(word for word in sys.argv[1:] if word not in ahead)]
    try:
        try:
            app()
        finally:
            streams.flush()
    except BrokenPipeError:  # the reader of standard output is gone (for example `| head`)
        _discard_output()
        sys.exit(141)
    except (HybridBenchError, OSError) as error:
        try:
            streams.flush()
        except (HybridBenchError, OSError) as lost:
            _discard_output()
            error = lost if isinstance(error, OSError) else error
        if "--debug" in sys.argv:
            console.remark(traceback.format_exc().rstrip())
        console.remark(f"error: {error if isinstance(error, HybridBenchError) else _of_system(error)}")
        sys.exit(2)


def _of_system(error: OSError) -> str:
    """A file where a folder is expected, a full disk, no permission, no network: possible in any command."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        remedy = "Free disk space, or choose a folder on another disk. What was written before stays; run again to go on."
    elif error.filename is not None:
        remedy = "Fix that path or choose another one."
    else:
        remedy = "Check the disk and the network, and run again. --debug shows where it happened."
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror or f'{type(error).__name__}: {error}'}\n  {remedy}"


def _discard_output() -> None:
    """Avoid a second error when Python flushes and closes standard output."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)
