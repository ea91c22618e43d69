"""An encoder without a model, for tests: hashed character n-grams."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from hybrid_bench import EncoderCard, HybridBenchError
from hybrid_bench.plugin import Role


class TinyEncoder:
    """Counts of a text's one to four letters long parts, hashed into ``dimension`` places, at unit length.

    Like a real encoder it prepends the prefixes of its card, gives a text the same vector wherever it stands, and
    refuses what it cannot compute with. It knows no translation: only names, numbers and cognates match across languages.
    """

    dtype = "fp32"
    device = "cpu"

    def __init__(self, *, dtype: str = "auto", device: str = "auto", dimension: int = 256) -> None:
        for option, asked, only in (("dtype", dtype, self.dtype), ("device", device, self.device)):
            if asked not in ("auto", only):
                raise HybridBenchError(f"tiny cannot compute with {option} {asked!r}", f"Leave --{option} out, or say {only}.")
        self.card = EncoderCard(
            name="tiny",
            description="Hashed character n-grams",
            backend="static",
            query_prefix="q ",
            passage_prefix="p ",
            dimension=dimension,
            parameters=0,
            licence="Apache-2.0",
        )
        self.fingerprint = f"hashed-n-grams-1-{dimension}"

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        prefix = self.card.query_prefix if role == "query" else self.card.passage_prefix
        return np.array([self._vector(prefix + text) for text in texts], np.float32).reshape(-1, self.card.dimension or 0)

    def _vector(self, text: str) -> np.ndarray:
        letters = text.lower()
        parts = [letters[at : at + size] for size in (1, 2, 3, 4) for at in range(len(letters) - size + 1)]
        places = [zlib.crc32(part.encode()) % (self.card.dimension or 1) for part in parts]
        counts = np.sqrt(np.bincount(places, minlength=self.card.dimension or 0))
        return np.asarray(counts / np.linalg.norm(counts))
