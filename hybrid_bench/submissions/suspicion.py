"""Signs that ranks or vectors were made from the judgements instead of the texts: a maintainer should re-run such an encoder.

They prove nothing: an excellent encoder may show them, and noise hides them. They change no verification level.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.expected import SuiteData
    from hybrid_bench.submissions.format.vectors import Vectors

#: A mean average precision above this is better than that of any published encoder.
MOST_AP = 0.98
#: A value of :func:`grouped_by_question` above this is suspicious; encoders have 0.49 to 0.70, vectors of the judgements 1.
MOST_GROUPED = 0.97
REMEDY = "For a maintainer: re-run the encoder before relying on this row, see hybrid-bench submit rerun."
#: Passages drawn of the relevant and of the other ones, and the fewest that a value needs.
_SAMPLE, _FEWEST = 500, 20


def high_scores(means: Mapping[str, float]) -> list[str]:
    """The mean average precisions that are too good, as phrases.

    Args:
        means: ``"<setting> <measure>"`` to the mean.
    """
    return [
        f"{score} is {value:.4f}, above {MOST_AP}"
        for score, value in sorted(means.items())
        if score.split(" ")[1].partition("@")[0] == "AP" and value > MOST_AP
    ]


def grouped_by_question(vectors: Vectors, data: SuiteData) -> float | None:
    """How well relevant passages can be told from the others by the passages' vectors alone.

    An encoder does not know which passages are relevant to some question: it puts translations next to each other, whether they
    are or not. Vectors made from the judgements bring only the relevant passages of a question together.

    Returns:
        The probability that the cosine with the nearest passage of another collection is higher for a relevant passage than for
        another one; .5 by chance. None if there are too few passages of either kind.
    """
    relevant = {pair.doc_id for part in data.relevant.values() for pairs in part.values() for pair in pairs}
    passages = [(name, row, doc_id in relevant) for name, ids in data.passage_ids.items() for row, doc_id in enumerate(ids)]
    kinds = [[passage for passage in passages if passage[2] is kind] for kind in (True, False)]
    if min(map(len, kinds)) < _FEWEST:
        return None
    drawn = [passage for kind in kinds for passage in kind[:: -(-len(kind) // _SAMPLE)]]
    units = _unit(np.stack([vectors[f"passages/{name}"][row] for name, row, _ in drawn]))
    nearest = np.full(len(drawn), -1.0, dtype=np.float32)
    for name in data.passage_ids:
        elsewhere = np.array([of != name for of, _, _ in drawn])
        cosines = units[elsewhere] @ _unit(vectors[f"passages/{name}"]).T
        nearest[elsewhere] = np.maximum(nearest[elsewhere], cosines.max(axis=1))
    is_relevant = np.array([kind for _, _, kind in drawn])
    difference = nearest[is_relevant, None] - nearest[~is_relevant]
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    wide = vectors.astype(np.float32)
    units: NDArray[np.float32] = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return units
