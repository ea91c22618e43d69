"""``hybrid-bench compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Format, ResultFile

if TYPE_CHECKING:
    from hybrid_bench.results.record import Result


def command(
    a: ResultFile,
    b: ResultFile,
    measure: Annotated[str, typer.Option(help="Measure to compare by. [default: the suite's primary one]")] = "",
    by_language: Annotated[bool, typer.Option("--by-language", help="Add a row per query set.")] = False,
    output: Format = "table",
) -> None:
    """Compare two results on the same suite: differences by setting, paired significance tests, effect sizes.

    Example: hybrid-bench compare results/mini/me5-small.json results/mini/use-multilingual.json
    """
    from hybrid_bench.evaluation.compare import compare, computed_differently
    from hybrid_bench.results.record import Result

    first, second = Result.read(a), Result.read(b)
    frame = compare(first, second, measure or None, by_language=by_language).set_index("setting")
    (unit,) = set(frame["unit"])
    shown = frame.drop(columns="unit") if output == "table" else frame
    console.show_frame(shown, output, f"{first.suite}: b = {_named(second)} compared with a = {_named(first)}")
    if differing := computed_differently(first, second):
        console.remark(f"warning: {differing}: the differences are not those of the encoders alone")
    if output == "table":
        console.remark(
            f"p: two-sided, paired t-test and paired randomisation test over {unit}s, each with its translations, "
            "corrected by Holm over the rows. "
            "effect: Cohen's d of the paired differences."
        )


def _named(result: Result) -> str:
    """The name of a result, with its compute dtype unless that is fp32."""
    dtype = result.provenance.dtype
    return result.name if dtype == "fp32" else f"{result.name} ({dtype})"
