"""Making this project's datasets and measures known to ir_datasets and ir_measures."""

from __future__ import annotations


def register() -> None:
    """Add the entries to ir_datasets and the language-bias measures to ir_measures. May be called more than once."""
    from hybrid_bench.datasets import entries
    from hybrid_bench.measures import provider

    entries.register()
    provider.register()
