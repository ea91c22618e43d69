"""Making this project's datasets and measures known to ir_datasets and ir_measures."""

from __future__ import annotations


def register() -> None:
    """Add the entries to ir_datasets and the language-bias measures to ir_measures. May be called more than once."""
    register_datasets()
    from hybrid_bench.measures import provider

    provider.register()


def register_datasets() -> None:
    """Add the entries to ir_datasets alone. May be called more than once, and from several threads."""
    import ir_datasets  # noqa: F401  # whole before ours: another thread may be importing it for the first time

    from hybrid_bench.datasets import irds_entries

    irds_entries.register()
