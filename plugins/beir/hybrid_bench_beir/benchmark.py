"""The sets of BEIR as one benchmark: a result a set, and the macro average."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hybrid_bench import Encoder, EvaluationOptions, Result, evaluate
from hybrid_bench.plugin import Progress
from hybrid_bench_beir.sets import NOT_AVERAGED, SETS, bm25, zero_shot

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("nDCG@10", "R@100")


def results(
    encoder: Encoder | str, names: Sequence[str], options: EvaluationOptions, progress: Progress | None = None
) -> Iterator[tuple[str, Result]]:
    """Evaluate an encoder on sets.

    Args:
        encoder: an encoder or the name of one.
        names: of the sets.
        options: of every evaluation.
        progress: where to report.

    Returns:
        (set, result) as they are done; CQADupStack has one a forum.

    Raises:
        HybridBenchError: if the encoder, the data or the machine is at fault.
    """
    for name in names:
        for dataset_id in SETS[name]:
            yield name, evaluate(encoder, dataset_id, options=options, progress=progress)


def summary(found: Mapping[str, Sequence[Result]]) -> pd.DataFrame:
    """A row a set, and their mean: the average of the BEIR paper (arXiv 2104.08663) where all sets are there.

    A set's figure is the mean over its parts, so that CQADupStack counts once. The mean is over the sets without MS MARCO.

    Args:
        found: set to the results on its parts.
    """
    import pandas as pd

    rows = {}
    for name, parts in found.items():
        published = bm25()
        rows[name] = {
            **{measure: _mean([_value(result, measure) for result in parts]) for measure in MEASURES},
            **{f"BM25 {of}": _mean([published.get(result.suite, {}).get(of) for result in parts]) for of in MEASURES},
            "zero-shot": zero_shot(parts[0].encoder, name),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    averaged = table.loc[[name for name in table.index if name not in NOT_AVERAGED]]
    if len(averaged):
        means = averaged.drop(columns="zero-shot").astype(float).mean(skipna=False)
        stated = averaged["zero-shot"].tolist()
        table.loc[f"mean of {len(averaged)}"] = [*means, f"{stated.count('yes')} of {len(stated)}"]
    return table.rename_axis("set")


def _value(result: Result, measure: str) -> float | None:
    return next((row.value for row in result.rows if row.measure == measure), None)


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None if one is not known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
