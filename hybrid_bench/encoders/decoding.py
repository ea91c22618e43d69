"""Images for models: decoded in threads ahead of the model, always as RGB."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from hybrid_bench.datasets.images import Image

if TYPE_CHECKING:
    import PIL.Image

#: Threads that decode; Pillow releases Python's lock while it does.
WORKERS = 4
#: Batches that are decoded ahead of the model.
_AHEAD = 2
#: What :meth:`hybrid_bench.Image.rgb` does, for the preprocessing on a card.
AS_RGB = "first frame, rotated as by its EXIF data, 8-bit RGB"


def rgb_batches(images: Sequence[Image], size: int) -> Iterator[list[PIL.Image.Image]]:
    """Decode images, a few batches ahead of their use, so that memory holds these alone.

    Args:
        images: to decode.
        size: images a batch.

    Yields:
        RGB pictures, ``size`` at a time, in order.

    Raises:
        HybridBenchError: that names the first image that cannot be decoded.
    """
    pending: collections.deque[list[Future[PIL.Image.Image]]] = collections.deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for start in range(0, len(images), size):
                pending.append([pool.submit(image.rgb) for image in images[start : start + size]])
                if len(pending) > _AHEAD:
                    yield [future.result() for future in pending.popleft()]
            while pending:
                yield [future.result() for future in pending.popleft()]
        finally:
            for future in (future for batch in pending for future in batch):
                future.cancel()
