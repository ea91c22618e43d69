"""``hybrid-bench doctor``."""

from __future__ import annotations

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Format


def command(
    output: Format = "table",
) -> None:
    """Check the installation: what is installed, missing or broken, and the command that fixes it.

    Exits with status 1 if something is broken. Example: hybrid-bench doctor
    """
    from hybrid_bench.installation.doctor import examine
    from hybrid_bench.results.tables import listing

    findings = list(examine())
    rows = [(finding.what, finding.status, finding.detail, finding.remedy) for finding in findings]
    console.show_frame(listing(("what", "status", "detail", "remedy"), rows), output, "Installation")
    if any(finding.status == "broken" for finding in findings):
        raise typer.Exit(1)
