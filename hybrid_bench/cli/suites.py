"""``hybrid-bench suites``."""

from __future__ import annotations

from typing import Annotated

import typer

from hybrid_bench.cli import console


def command(
    output: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """List the suites that are installed. Nothing is downloaded.

    Example: hybrid-bench suites
    """
    from hybrid_bench.datasets.resolvers import SUITES
    from hybrid_bench.results.tables import listing

    rows = []
    for name in SUITES:
        suite = SUITES.get(name)
        rows.append((name, suite.description, " ".join(suite.languages), suite.licence))
    console.show_frame(listing(("suite", "what", "languages", "licence"), rows), output, "Suites")
    if output == "table":
        console.remark("Any ir_datasets id and any local folder in BEIR's layout works as well.")
