"""The schedule: which stream each training step draws from."""

from __future__ import annotations

import numpy as np

from hybrid_bench.training.batches.seeding import Purpose, generator

#: Steps whose streams are drawn together. Changing it changes the batches of every recipe.
_BLOCK = 1024


class StreamSchedule:
    """Draws a stream for every step, and counts how often the stream was drawn before.

    Args:
        probabilities: of each stream, adding up to 1.  # (streams,) float64
        seed: of the draws.
    """

    def __init__(self, probabilities: np.ndarray, seed: int) -> None:
        self._probabilities = probabilities
        self._seed = seed
        #: For each block of steps: the stream of each step, and the batches drawn from each stream before the block.
        self._blocks: list[tuple[np.ndarray, np.ndarray]] = []

    def at(self, step: int) -> tuple[int, int]:
        """(the stream of a step, the number of earlier batches from that stream)."""
        streams, before = self._block(step // _BLOCK)
        place = step % _BLOCK
        stream = int(streams[place])
        return stream, int(before[stream]) + int(np.count_nonzero(streams[:place] == stream))

    def _block(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        count = len(self._probabilities)
        while len(self._blocks) <= number:
            if self._blocks:
                streams, before = self._blocks[-1]
                before = before + np.bincount(streams, minlength=count)
            else:
                before = np.zeros(count, dtype=np.int64)
            random = generator(self._seed, Purpose.STREAMS, len(self._blocks))
            streams = random.choice(count, size=_BLOCK, p=self._probabilities).astype(np.int32)
            self._blocks.append((streams, before))
        return self._blocks[number]
