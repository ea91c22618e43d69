"""Mean recall of both directions."""

from __future__ import annotations

import pytest

from hybrid_bench.datasets.captioned_suites import suite
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.measures.mean_recall import mean_recall_rows
from hybrid_bench.measures.rows import score_row


def test_it_is_the_mean_of_six_recalls_of_a_language() -> None:
    of = suite("xtd10")
    forth, back = Setting("de", "images", "text-to-image"), Setting("images", "de", "image-to-text")
    rows = [
        score_row(of, setting, f"Success@{cutoff}", value, 1000)
        for setting, values in ((forth, (0.1, 0.2, 0.4)), (back, (0.2, 0.3, 0.6)))
        for cutoff, value in zip((1, 5, 10), values, strict=True)
    ]
    (row,) = mean_recall_rows(of, rows)
    assert (row.measure, row.query_set, row.pool, row.setting) == ("MeanRecall", "de", "images", "text-to-image")
    assert row.value == pytest.approx(0.3)
    assert mean_recall_rows(of, rows[1:]) == []
    assert mean_recall_rows(suite("xtd10", "captions"), rows) == []
