"""Independent random generators, each derived from the seed, a purpose and counters."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a generator draws. The values are part of the seed: changing one changes the batches of every recipe."""

    STREAMS = 0
    ROW_ORDER = 1
    EXAMPLE_PAIRS = 2
    CODE_SWITCHING = 3
    PARAGRAPH_NEGATIVES = 4
    NEGATIVES_LANGUAGE = 5


def generator(seed: int, purpose: Purpose, *counters: int) -> np.random.Generator:
    """A generator that depends on its arguments only, so that draws of one purpose never shift those of another."""
    return np.random.default_rng([seed % 2**63, seed < 0, int(purpose), *counters])
