"""What an evaluation would encode, and what that would cost: nothing is encoded."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hybrid_bench.datasets.images import Input
from hybrid_bench.datasets.judged import judged_queries
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.evaluation.loading import encoder_for
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.support import cache
from hybrid_bench.support.progress import Progress, SilentProgress

if TYPE_CHECKING:
    import pandas as pd

#: Inputs of a large collection that are held in memory at a time.
_AT_ONCE = 10_000


def estimate(
    encoder: Encoder | str, suite: Suite, options: EvaluationOptions | None = None, progress: Progress | None = None
) -> pd.DataFrame:
    """Count what an evaluation would encode.

    Args:
        encoder: an encoder or the name of one.
        suite: that would be evaluated.
        options: of the evaluation.
        progress: where to report.

    Returns:
        One row a collection and query set, and one of all. Columns: the number of inputs, of those that are not in the store
        (of a large suite all are counted), and what a method ``estimate`` of the encoder says of these, see
        :class:`hybrid_bench.Encoder`. NaN is not known.

    Raises:
        HybridBenchError: if the encoder or the suite is at fault.
    """
    import pandas as pd

    options = options or EvaluationOptions()
    suite = options.restricted(suite)
    loaded = encoder_for(suite, encoder, options, progress or SilentProgress())
    counter = _Counter(loaded, None if suite.large else EmbeddingStore(options.store or cache.home() / "embeddings"))
    rows = {}
    for of in suite.collections:
        items = suite.passage_stream(of.name, options.passage_text)
        rows[f"passage {of.name}"] = counter.count("passage", (item.content for item in items), options.passage_text)
    for name, part in judged_queries(suite).items():
        rows[f"query {name}"] = counter.count("query", (item.content for item in part.queries))
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.loc["all"] = frame.sum(min_count=len(frame))
    whole = {name: int for name in frame if (frame[name] % 1 == 0).all()}
    return frame.astype(whole).rename_axis("of")


class _Counter:
    def __init__(self, encoder: Encoder, store: EmbeddingStore | None) -> None:
        self._encoder = encoder
        self._store = store

    def count(self, role: Role, inputs: Iterable[Input], passage_text: str = "") -> dict[str, float]:
        """Counts and costs by name."""
        costs: Counter[str] = Counter()
        stream = iter(inputs)
        found = new = 0
        # A store is of a whole collection.
        while part := list(itertools.islice(stream, None if self._store else _AT_ONCE)):
            found += len(part)
            if self._store and self._store.holds(self._encoder, role, part, passage_text=passage_text):
                part = []
            new += len(part)
            if hasattr(self._encoder, "estimate"):
                for name, value in self._encoder.estimate(part, role).items():
                    costs[name] += value
        return {"inputs": found, "to encode": new, **costs}
