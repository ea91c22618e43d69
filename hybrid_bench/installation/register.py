"""Registration of the datasets with ir_datasets and of the measures with ir_measures."""

from __future__ import annotations


def register() -> None:
    """Register the datasets with ir_datasets and the language-bias measures with ir_measures. Repeated calls have no effect."""
    register_datasets()
    register_measures()


def register_measures() -> None:
    """Register the language-bias measures with ir_measures. Repeated calls have no effect."""
    from hybrid_bench.measures import provider

    provider.register()


def register_datasets() -> None:
    """Register the datasets with ir_datasets. Repeated calls have no effect; thread-safe."""
    import ir_datasets  # noqa: F401  # complete the import first: another thread may be importing it

    from hybrid_bench.datasets import irds_entries

    irds_entries.register()
