"""Holding out a development part of a table that shares no article and no passage with the training part."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import NamedTuple

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data.table import ParallelTable
from hybrid_bench.training.data.text_keys import text_key


class DevSplit(NamedTuple):
    """Two parts of a table that share no article and no passage."""

    training: ParallelTable
    dev: ParallelTable


def hold_out_articles(table: ParallelTable, size: int | float, seed: int, candidates: np.ndarray | None = None) -> DevSplit:
    """Hold out randomly drawn articles until they have ``size`` rows, or this share of all rows if below 1.

    Rows of held-out articles that are not candidates are in neither part, and neither are other rows that have a passage
    of a held-out row. A row without an article is its own article.

    Args:
        table: the rows.
        size: an int is a number of rows, a float a share.
        seed: of the draw.
        candidates: the rows that are counted and may be in the development part; None: all.  # (rows,) bool

    Raises:
        HybridBenchError: if no row is left for training.
    """
    keys = [
        article or f"\0{source}\0{row}"
        for article, source, row in zip(*map(table.key_column, ("article", "source", "id")), strict=True)
    ]
    sizes = Counter(keys if candidates is None else itertools.compress(keys, candidates))
    target = size if isinstance(size, int) else round(size * sum(sizes.values()))
    held: set[str] = set()
    taken = 0
    names = sorted(sizes)
    for index in np.random.default_rng(seed).permutation(len(names)):
        if taken >= target:
            break
        held.add(names[index])
        taken += sizes[names[index]]
    inside = np.array([key in held for key in keys], dtype=bool)
    outside = ~inside & ~_shares_passage(table, inside)
    if not outside.any():
        raise HybridBenchError(
            f"holding out {target} rows leaves no row to train on ({len(table)} rows, {len(sizes)} articles)",
            "Use a smaller development set.",
        )
    dev = inside if candidates is None else inside & candidates
    return DevSplit(table.select(np.flatnonzero(outside)), table.select(np.flatnonzero(dev)))


def _shares_passage(table: ParallelTable, chosen: np.ndarray) -> np.ndarray:
    """A mask of the rows that have a passage of a chosen row in some language.  # (rows,) bool."""
    found = np.zeros(len(table), dtype=bool)
    for language in table.languages:
        keys = [text and text_key(text) for text in table.column("sentence", language)]
        held = {key for key, inside in zip(keys, chosen, strict=True) if inside and key}
        found |= np.array([key in held for key in keys], dtype=bool)
    return found
