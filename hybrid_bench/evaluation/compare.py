"""Two results side by side: differences by kind of setting, with paired significance tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybrid_bench.datasets.settings import KINDS, SettingKind
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.bias import rank_distance
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import PoolPairs
from hybrid_bench.measures.significance import holm, paired
from hybrid_bench.results.ranks import QuerySetRanks
from hybrid_bench.results.record import Result

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def compare(a: Result, b: Result, measure: str | None = None, *, by_language: bool = False) -> pd.DataFrame:
    """Compare B with A by kind of setting.

    A query's value in a kind of setting is its mean over the settings of that kind in which it counts, so that a query is one
    observation however many pools it was asked on. In the row of the mean the translations of a question are one observation
    too, with the mean of their values: they are not independent of each other.

    Args:
        a: a result.
        b: another one on the same suite with the same texts.
        measure: of ir_measures, by default the primary one of A; RankDistance is compared beside it.
        by_language: one row a query set too, not only their means.

    Returns:
        One row a comparison: setting, query_set, measure, a, b, difference, effect, p of the t-test and of the
        randomisation test, both corrected by Holm over all rows of the table, and the number of observations. In the row of the
        mean, a, b and difference weigh every query set alike, effect and p every question: where not all questions are in all
        query sets, their signs may differ near 0.

    Raises:
        HybridBenchError: if the two are not comparable.
    """
    import pandas as pd

    _check_comparable(a, b)
    asked = measure or a.primary
    prepared = [_prepare(a, beside=b), _prepare(b, beside=a)]
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys((asked, "RankDistance")):
        for kind in KINDS:
            values = [_values(result, kind, name, of) for result, of in zip((a, b), prepared, strict=True)]
            shared = [query_set for query_set in values[0] if query_set in values[1]]
            if not shared:
                continue
            chosen = [(query_set, [query_set]) for query_set in shared] if by_language else []
            for label, query_sets in [*chosen, ("mean", shared)]:
                of_a, of_b = ([side[query_set] for query_set in query_sets] for side in values)
                rows.append({"setting": kind, "query_set": label, "measure": name} | _row(of_a, of_b))
    if not rows:
        raise HybridBenchError(f"neither result has queries to compare by {asked}")
    frame = pd.DataFrame(rows)
    for column in ("p_t_test", "p_randomisation"):
        frame[column] = holm(frame[column].tolist())
    return frame


def _row(of_a: Sequence[pd.Series[float]], of_b: Sequence[pd.Series[float]]) -> dict[str, float]:
    """The means of both sides over query sets, and the tests over questions."""
    observed = [np.asarray(_by_question(side), dtype=np.float64) for side in (of_a, of_b)]
    test = paired(observed[0], observed[1])
    mean_a, mean_b = (float(np.mean([values.mean() for values in side])) for side in (of_a, of_b))
    return {
        "a": mean_a,
        "b": mean_b,
        "difference": mean_b - mean_a,
        "effect": test.effect,
        "p_t_test": test.t_test,
        "p_randomisation": test.randomisation,
        "queries": test.queries,
    }


def by_question(result: Result, asked: Sequence[tuple[SettingKind, str]]) -> list[pd.Series[float]]:
    """Question to its value in a kind of setting: one observation, however many languages and pools it was asked in.

    Args:
        result: with ranks.
        asked: kinds of setting, each with a measure of ir_measures that can be computed from ranks, or RankDistance.

    Returns:
        One series for each that was asked, its questions sorted; empty where there is nothing to average.
    """
    import pandas as pd

    prepared = _prepare(result)
    found = (_values(result, kind, measure, prepared) for kind, measure in asked)
    return [_by_question(list(values.values())).sort_index() if values else pd.Series(dtype=float) for values in found]


def computed_differently(a: Result, b: Result) -> str:
    """What differs in how the vectors of two results were computed and stored, for a warning; empty if nothing does."""
    sides = [(side.provenance.dtype, side.provenance.storage or "") for side in (a, b)]
    named = [dtype + (f", stored as {storage}" if storage else "") for dtype, storage in sides]
    return "" if sides[0] == sides[1] else f"a was computed in {named[0]}, b in {named[1]}"


def significant(p: float, level: float = 0.05) -> bool:
    """Whether a corrected p is below the level; NaN is not."""
    return not math.isnan(p) and p < level


def _check_comparable(a: Result, b: Result) -> None:
    if a.suite != b.suite:
        raise HybridBenchError(f"{a.name} was scored on {a.suite} and {b.name} on {b.suite}", "Compare one suite.")
    for part in ("queries", "passages", "judgements"):
        ours, theirs = getattr(a.provenance, part), getattr(b.provenance, part)
        if part == "judgements" and not (ours and theirs):
            continue  # earlier versions did not record them
        if part == "passages" and a.provenance.passage_text != b.provenance.passage_text:
            continue  # what the encoders read differs, and that is what is compared
        different = sorted(k for k in {*ours, *theirs} if ours.get(k) != theirs.get(k))
        if different:
            raise HybridBenchError(
                f"the two results have other {part} in {', '.join(different)}", "Evaluate both on the same data."
            )
    if a.provenance.drops_own != b.provenance.drops_own:
        raise HybridBenchError(
            f"only {(a if a.provenance.drops_own else b).name} was scored without the passages that have their query's id",
            "Evaluate both with --drop-own, or both with --keep-own.",
        )


class _Prepared(NamedTuple):
    """What all measures of a query set need."""

    pairs: PoolPairs
    questions: NDArray[np.object_]
    #: kind of setting to the pools that are looked at
    pools: Mapping[SettingKind, Sequence[str]]


def _prepare(result: Result, beside: Result | None = None) -> dict[str, _Prepared]:
    """By query set; with ``beside`` only the settings that this result has too: runs need not be of all."""
    found = {}
    settings = [setting for setting in result.settings if beside is None or setting in beside.settings]
    for name, ranks in result.ranks.by_query_set.items():
        other = beside.ranks.by_query_set.get(name) if beside else ranks
        if other is None:
            continue
        pools: dict[SettingKind, list[str]] = {}
        for setting in settings:
            if setting.query_set == name and ranks.inside(setting.pool).any() and other.inside(setting.pool).any():
                pools.setdefault(setting.kind, []).append(setting.pool)
        fullest = max(ranks, other, key=lambda side: len(side.query))
        found[name] = _Prepared(PoolPairs.of(ranks), _questions(ranks, fullest), pools)
    return found


def _values(result: Result, kind: SettingKind, measure: str, prepared: dict[str, _Prepared]) -> dict[str, pd.Series[float]]:
    """Query set to the values of its questions, each the mean over the settings of a kind.

    A question is known by its id and its relevant passages: translations share both.
    """
    import pandas as pd

    found = {}
    for name, (pairs, questions, pools) in prepared.items():
        ranks = result.ranks.by_query_set[name]
        if measure.startswith("RankDistance"):
            # A result without RankDistance has relevant passages whose rank is not known.
            stated = {(row.query_set, row.pool) for row in result.rows if row.measure == measure}
            for pool in (pool for pool in pools.get(kind, ()) if (name, pool) in stated):
                inside = ranks.inside(pool)
                several = np.flatnonzero(np.bincount(ranks.query[inside], minlength=len(ranks.query_ids)) > 1)
                distance = rank_distance(ranks.query[inside], ranks.rank_in[pool][inside])
                found[name] = pd.Series(distance, questions[several], dtype=float)
            continue
        of_pool = pairs.values(parse([measure])[0])
        total, count = np.zeros(len(ranks.query_ids)), np.zeros(len(ranks.query_ids))
        for pool in sorted(pools.get(kind, ())):
            rows = np.unique(ranks.query[ranks.inside(pool)])
            total[rows] += of_pool[pool]
            count[rows] += 1
        if count.any():
            found[name] = pd.Series(total[count > 0] / count[count > 0], questions[count > 0])
    return found


def _by_question(values: Sequence[pd.Series[float]]) -> pd.Series[float]:
    """Question to the mean over the languages that it is asked in."""
    import pandas as pd

    return pd.concat(list(values)).groupby(level=0, sort=False).mean()


def _questions(ranks: QuerySetRanks, fullest: QuerySetRanks) -> NDArray[np.object_]:
    """(queries,) what a query has in common with its translations, and with no other query.

    Args:
        ranks: whose queries.
        fullest: ranks of the same queries that have passages of more languages.
    """
    passage = {fullest.query_ids[number]: doc_id for number, doc_id in zip(fullest.query.tolist(), fullest.doc_id, strict=True)}
    return np.array([f"{query_id}\t{passage[query_id]}" for query_id in ranks.query_ids], dtype=object)
