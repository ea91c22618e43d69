"""How much an encoder loses across languages and domains, and whether another loses less.

Gap: the same questions on the same pool, in the pool's language and in another (paired). Drop: (in - out) / in between the
questions of a reference domain and those of others; the drop over several is that of their mean, as BEIR (arXiv 2104.08663) and
MRQA average sets. Intervals are bootstrapped over questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hybrid_bench.datasets.settings import Setting
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.measures.bootstrap import Interval, bootstrap
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import PoolPairs
from hybrid_bench.results.record import Result

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class PairedSettings(NamedTuple):
    """A cross-lingual setting, and the monolingual one with the same questions."""

    cross: Setting
    mono: Setting


def values(result: Result, measure: str, question_of: Callable[[str, str], str] | None = None) -> dict[Setting, pd.Series[float]]:
    """Setting to question to its value.

    Args:
        result: with ranks.
        measure: that can be computed from ranks.
        question_of: from a query set and a query's id, what its translations share with it (:attr:`Suite.question_of`); by
            default the id.

    Raises:
        HybridBenchError: if the result has no ranks, or the measure cannot be computed from them.
    """
    import pandas as pd

    parsed = parse([measure])[0]
    of_pools = {name: PoolPairs.of(ranks).values(parsed) for name, ranks in result.ranks.by_query_set.items()}
    found = {}
    for setting in result.settings:
        if setting.pool in of_pools.get(setting.query_set, {}):
            asked = result.ranks.query_ids(setting.query_set, setting.pool)
            names = [question_of(setting.query_set, query_id) for query_id in asked] if question_of else asked
            found[setting] = pd.Series(of_pools[setting.query_set][setting.pool], names)
    return found


def pairs(found: dict[Setting, pd.Series[float]]) -> list[PairedSettings]:
    """Each cross-lingual setting with the monolingual one on its pool that asks most of its questions, where there is one."""
    paired = []
    for cross in (setting for setting in found if setting.kind == "cross-lingual"):
        shared = {
            mono: len(found[mono].index.intersection(found[cross].index))
            for mono in found
            if mono.kind == "monolingual" and mono.pool == cross.pool
        }
        best = max(shared, key=lambda mono: shared[mono], default=None)
        if best is not None and shared[best]:
            paired.append(PairedSettings(cross, best))
    return paired


def difference(sides: Sequence[dict[Setting, pd.Series[float]]], settings: Sequence[Setting]) -> Interval:
    """The mean over settings of B - A, over the questions that both have.

    Args:
        sides: the values of A and of B.
        settings: each with two or more questions.
    """
    return _mean_of([(sides[1][setting] - sides[0][setting]).dropna() for setting in settings])


def gap(found: dict[Setting, pd.Series[float]], paired: Sequence[PairedSettings]) -> Interval:
    """The mean over pairs of monolingual - cross-lingual."""
    return _mean_of([_gaps(found, pair) for pair in paired])


def difference_of_gaps(sides: Sequence[dict[Setting, pd.Series[float]]], paired: Sequence[PairedSettings]) -> Interval:
    """The mean over pairs of the gap of B - the gap of A, each question with itself: below 0, B loses less.

    Args:
        sides: the values of A and of B.
        paired: the settings, of both.
    """
    return _mean_of([(_gaps(sides[1], pair) - _gaps(sides[0], pair)).dropna() for pair in paired])


def drop(found: dict[Setting, pd.Series[float]], reference: Setting, others: Sequence[Setting]) -> Interval:
    """(in - out) / in, out being the mean over settings.

    Raises:
        HybridBenchError: if a domain has fewer than two questions.
    """
    groups = [_shared([found[setting]]) for setting in (reference, *others)]
    return bootstrap(groups, lambda means: 1 - means[:, 1:].mean(axis=1) / means[:, 0])


def difference_of_drops(
    sides: Sequence[dict[Setting, pd.Series[float]]], reference: Setting, others: Sequence[Setting]
) -> Interval:
    """The drop of B - the drop of A; a resampled question counts for both: below 0, B loses less."""
    groups = [_shared([side[setting] for side in sides]) for setting in (reference, *others)]

    def statistic(means: NDArray[np.float64]) -> NDArray[np.float64]:
        drops = [1 - means[:, at + 2 :: 2].mean(axis=1) / means[:, at] for at in (0, 1)]
        of_both: NDArray[np.float64] = drops[1] - drops[0]
        return of_both

    return bootstrap(groups, statistic)


def domains(found: dict[Setting, pd.Series[float]], reference: str = "") -> tuple[Setting, list[Setting]]:
    """The in-domain setting of the reference, and those of the other domains.

    Args:
        found: the values of a result.
        reference: its query set; by default the first.

    Raises:
        UnknownNameError: if there is no such domain.
    """
    inside = {setting.query_set: setting for setting in found if setting.kind == "in-domain"}
    if reference and reference not in inside:
        raise UnknownNameError("domain", reference, inside)
    chosen = inside[reference or next(iter(inside))]
    others = [setting for setting in inside.values() if setting != chosen]
    if not others:
        raise HybridBenchError(f"there is no other domain than {chosen.query_set}", "A drop needs two or more.")
    return chosen, others


def _shared(series: Sequence[pd.Series[float]]) -> NDArray[np.float64]:
    """(questions, series) the values of the questions that all have."""
    import pandas as pd

    return pd.concat(list(series), axis=1, join="inner").to_numpy()


def _gaps(found: dict[Setting, pd.Series[float]], pair: PairedSettings) -> pd.Series[float]:
    """Question to monolingual - cross-lingual, of the questions that both settings have."""
    return (found[pair.mono] - found[pair.cross]).dropna()


def _mean_of(settings: Sequence[pd.Series[float]]) -> Interval:
    """The mean over settings of their means; settings with the same questions, as translations have, are resampled together."""
    import numpy as np

    alike: dict[tuple[str, ...], list[pd.Series[float]]] = {}
    for values in settings:
        alike.setdefault(tuple(sorted(values.index)), []).append(values)
    groups = [np.mean([one.reindex(questions).to_numpy() for one in of], axis=0) for questions, of in alike.items()]
    weights = np.array([len(of) for of in alike.values()]) / len(settings)
    return bootstrap([values[:, None] for values in groups], lambda means: means @ weights)
