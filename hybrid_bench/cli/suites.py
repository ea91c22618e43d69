"""``hybrid-bench suites``."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Format

#: Languages of a suite that a table lists at most.
_LISTED = 12


def command(
    output: Format = "table",
) -> None:
    """List the suites that are installed. Nothing is downloaded.

    Example: hybrid-bench suites
    """
    from hybrid_bench.datasets.resolvers import SUITES
    from hybrid_bench.results.tables import listing

    rows = []
    for name in SUITES:
        suite = SUITES.get(name)
        languages = _short(suite.languages) if output == "table" else " ".join(suite.languages)
        rows.append((name, suite.description, languages, suite.licence))
    console.show_frame(listing(("suite", "what", "languages", "licence"), rows), output, "Suites")
    if output == "table":
        console.remark("Any ir_datasets id and any local folder in BEIR's layout works as well.")


def _short(languages: Sequence[str]) -> str:
    """``de en th``, or ``18: ar bn ...`` where there are many."""
    return " ".join(languages) if len(languages) <= _LISTED else f"{len(languages)}: {' '.join(languages[:2])} ..."
