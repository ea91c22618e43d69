"""Output of commands: results to standard output, progress and messages to standard error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.cli.progress import BarProgress as BarProgress
from hybrid_bench.cli.streams import flush, results, write_styled
from hybrid_bench.cli.streams import plain as plain
from hybrid_bench.cli.streams import write as write

if TYPE_CHECKING:
    import pandas as pd

    from hybrid_bench.results.record import Result


def remark(message: object) -> None:
    """Print a message to standard error."""
    import sys

    sys.stderr.write(f"{plain(message)}\n")


def echo(message: object) -> None:
    """Print a line to standard output."""
    write(f"{plain(message)}\n")
    flush()


def show(frame: pd.DataFrame, heading: str = "", caption: str = "") -> None:
    """Print a data frame as a table to standard output, with a line above and one below.

    In a terminal that is too narrow for it the columns follow in blocks below each other; elsewhere all columns are in one table,
    200 characters wide or wider: nothing is cut.
    """
    from rich.console import Console
    from rich.measure import Measurement
    from rich.text import Text

    from hybrid_bench.results.terminal import rich_tables

    console = Console(file=results())
    width = console.width if console.is_terminal else 200
    tables = rich_tables(frame, width, split=console.is_terminal)
    wide = Console(file=results(), width=10_000)
    widest = max(Measurement.get(wide, wide.options, table).maximum for table in tables)
    console = Console(file=results(), width=max(width, widest))
    with console.capture() as shown:
        for part in (*([Text(heading, style="italic")] if heading else []), *tables, *([Text(caption)] if caption else [])):
            console.print(part)
    write_styled(shown.get())
    flush()


def show_frame(frame: pd.DataFrame, style: str, title: str) -> None:
    """Print a data frame to standard output, in a format of :data:`hybrid_bench.results.tables.Format`."""
    from hybrid_bench.results import tables

    frame = _plain_frame(frame)
    if style == "table":
        show(frame, plain(title))
    else:
        write(tables.render(frame, style))


def _plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    def shown(value: object) -> object:
        return plain(value) if isinstance(value, str) else value

    return frame.map(shown).rename(index=shown, columns=shown)


def show_frame_of(result: Result, frame: pd.DataFrame, style: str, title: str) -> None:
    """Print a data frame of a result, with a column that names its compute dtype unless that is fp32."""
    from hybrid_bench.results import tables

    show_frame(tables.with_dtype(frame, [result.provenance.dtype] * len(frame)), style, title)


def show_result(result: Result, style: str, heading: str = "") -> None:
    """Print the tables of a result to standard output, and its notes to standard error."""
    from hybrid_bench.results import tables
    from hybrid_bench.results.saturation import saturated
    from hybrid_bench.results.stated_languages import left_out

    show_frame_of(result, tables.by_query_set(result), style, heading or tables.title(result))
    if style == "table":
        show_frame_of(result, tables.summary(result), style, "Means over settings")
    if missing := left_out(result):
        remark(f"note: * not among the languages on the encoder's card: {', '.join(missing)}")
    for kind, mean in saturated(result).items():
        remark(f"note: {kind} {result.primary} is saturated ({mean:.4f}): it tells encoders apart no more")
    for note in result.notes:
        remark(f"note: {note}")


def save(result: Result, folder: Path, *, overwrite: bool = False) -> Path:
    """Write a result into a folder of results, unless it was read from there, and say on standard error where it is.

    Args:
        result: that was evaluated.
        folder: of results.
        overwrite: replace a result of the same name, whatever it is of.

    Returns:
        Its path.
    """
    if result.path:
        remark(f"{result.path} is up to date: it has the same encoder, data and options. --overwrite computes it again")
        return result.path
    from hybrid_bench.evaluation.identity import difference
    from hybrid_bench.results.files import file_stem

    path = result.save(folder, overwrite=overwrite and not result.variant)
    usual = path.with_name(f"{file_stem(result.name, result.provenance.passage_text, result.provenance.dtype)}.json")
    if usual != path:
        remark(f"{usual} is kept: {difference(usual, result)}. Choose a name with --name, or replace it with --overwrite")
    remark(f"wrote {path}")
    return path
