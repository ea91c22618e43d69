"""Rows of scores."""

from __future__ import annotations

from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.results.parts import Score


def score_row(suite: Suite, setting: Setting, measure: str, value: float, queries: int) -> Score:
    """A measure of a setting, averaged over its queries."""
    return Score(
        suite=suite.base_name,
        setting=setting.kind,
        query_set=setting.query_set,
        pool=setting.pool,
        measure=measure,
        value=value,
        queries=queries,
    )
