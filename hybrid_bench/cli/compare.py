"""``hybrid-bench compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console


def command(
    a: Annotated[Path, typer.Argument(help="A result, as `evaluate` writes it.")],
    b: Annotated[Path, typer.Argument(help="Another one on the same suite.")],
    measure: Annotated[str, typer.Option(help="Measure to compare by. [default: the suite's primary one]")] = "",
    by_language: Annotated[bool, typer.Option("--by-language", help="A row for each query language too.")] = False,
    output: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """Put two results side by side: differences by setting, paired significance, effect sizes.

    Example: hybrid-bench compare results/mini/me5-small.json results/mini/use-multilingual.json
    """
    from hybrid_bench.evaluation.compare import compare
    from hybrid_bench.results.record import Result

    first, second = Result.read(a), Result.read(b)
    frame = compare(first, second, measure or None, by_language=by_language).set_index("setting")
    console.show_frame(frame, output, f"{first.suite}: b = {second.name} against a = {first.name}")
    if output == "table":
        console.remark(
            "p: two-sided, paired t-test and paired randomisation test over questions, corrected by Holm over the rows. "
            "effect: Cohen's d of the paired differences."
        )
