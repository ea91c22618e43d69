"""``hybrid-bench encoders``."""

from __future__ import annotations

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Format


def command(
    output: Format = "table",
) -> None:
    """List the encoders that are installed. Nothing is loaded.

    Example: hybrid-bench encoders --format csv
    """
    from hybrid_bench.encoders.load import REGISTRY
    from hybrid_bench.results.tables import listing

    rows = [(entry.name, f"{entry.distribution} {entry.version}".strip(), entry.target) for entry in REGISTRY.entries()]
    console.show_frame(listing(("encoder", "from", "entry point"), rows), output, "Encoders")
    if output == "table":
        console.remark("Any Hugging Face id (org/model) and any local folder works as well.")
