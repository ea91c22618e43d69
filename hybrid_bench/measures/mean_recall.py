"""Mean recall of images and captions in both directions."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.measures.rows import score_row
from hybrid_bench.results.parts import Score

NAME = "MeanRecall"
_MEASURES = ("Success@1", "Success@5", "Success@10")


def mean_recall_rows(suite: Suite, rows: Sequence[Score]) -> list[Score]:
    """MeanRecall of every language: the mean of R@1, R@5 and R@10 (any hit) from captions to images and from images to captions.

    Source: Huang et al. 2018 (arXiv 1712.02036) and later work on Multi30k and COCO, there called mR. It stands in the setting
    from captions to images, and only where both directions have all three measures.

    Args:
        suite: of the rows.
        rows: with ``Success@1``, ``Success@5`` and ``Success@10``.
    """
    values = {(row.query_set, row.pool, row.measure): row.value for row in rows if row.measure in _MEASURES}
    counts = {(row.query_set, row.pool): row.queries for row in rows}
    found = []
    for setting in suite.settings:
        back = Setting(setting.pool, setting.query_set, "image-to-text")
        if setting.kind != "text-to-image" or back not in suite.settings:
            continue
        wanted = [(one.query_set, one.pool, measure) for one in (setting, back) for measure in _MEASURES]
        if all(key in values for key in wanted):
            mean = sum(values[key] for key in wanted) / len(wanted)
            found.append(score_row(suite, setting, NAME, mean, counts[setting.query_set, setting.pool]))
    return found
