"""Two results side by side: differences in every setting, and whether they are more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_bench.datasets.settings import ALL, SettingKind
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.bias import rank_distance
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import PoolPairs
from hybrid_bench.measures.significance import holm, paired
from hybrid_bench.results.ranks import LanguageRanks
from hybrid_bench.results.record import Result

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_KINDS: tuple[SettingKind, ...] = ("monolingual", "cross-lingual", "multilingual")


def compare(a: Result, b: Result, measure: str | None = None, *, by_language: bool = False) -> pd.DataFrame:
    """Compare B with A, setting by setting.

    A query's value in a kind of setting is its mean over the settings of that kind that it counts in, so that a query is one
    observation however many pools it was asked on. In the row of the mean the translations of a question are one observation
    too, with the mean of their values: they are not independent of each other.

    Args:
        a: a result.
        b: another one on the same suite with the same texts.
        measure: of ir_measures, by default the primary one of A; RankDistance is compared beside it.
        by_language: one row a query language too, not only their means.

    Returns:
        One row a comparison: setting, query_language, measure, a, b, difference, effect, p of the t-test and of the
        randomisation test, both corrected by Holm over all rows of the table, and the number of observations. In the row of the
        mean, a, b and difference weigh every language alike, effect and p every question: where not all questions are in all
        languages, their signs may differ near 0.

    Raises:
        HybridBenchError: if the two are not comparable.
    """
    import pandas as pd

    _check_comparable(a, b)
    asked = measure or a.primary
    prepared = [_prepare(a, beside=b), _prepare(b, beside=a)]
    rows = []
    for name in dict.fromkeys((asked, "RankDistance")):
        for kind in _KINDS if name != "RankDistance" else ("multilingual",):
            values = [_values(result, kind, name, of) for result, of in zip((a, b), prepared, strict=True)]
            shared = [language for language in values[0] if language in values[1]]
            if not shared:
                continue
            languages: list[tuple[str, list[str]]] = [("mean", shared)]
            if by_language:
                languages = [(language, [language]) for language in shared] + languages
            for label, chosen in languages:
                of_a, of_b = ([side[language] for language in chosen] for side in values)
                observed = [np.asarray(_by_question(side), dtype=np.float64) for side in (of_a, of_b)]
                test = paired(observed[0], observed[1])
                mean_a, mean_b = (float(np.mean([v.mean() for v in side])) for side in (of_a, of_b))
                rows.append(
                    {
                        "setting": kind,
                        "query_language": label,
                        "measure": name,
                        "a": mean_a,
                        "b": mean_b,
                        "difference": mean_b - mean_a,
                        "effect": test.effect,
                        "p_t_test": test.t_test,
                        "p_randomisation": test.randomisation,
                        "queries": test.queries,
                    }
                )
    if not rows:
        raise HybridBenchError(f"neither result has queries to compare by {asked}")
    frame = pd.DataFrame(rows)
    for column in ("p_t_test", "p_randomisation"):
        frame[column] = holm(frame[column].tolist())
    return frame


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


def significant(p: float, level: float = 0.05) -> bool:
    """Whether a corrected p is below the level; NaN is not."""
    return not math.isnan(p) and p < level


def _check_comparable(a: Result, b: Result) -> None:
    if a.suite != b.suite:
        raise HybridBenchError(f"{a.name} was scored on {a.suite} and {b.name} on {b.suite}", "Compare one suite.")
    for part in ("queries", "passages"):
        ours, theirs = getattr(a.provenance, part), getattr(b.provenance, part)
        if part == "passages" and a.provenance.passage_text != b.provenance.passage_text:
            continue  # what the encoders read differs, and that is what is compared
        different = sorted(k for k in {*ours, *theirs} if ours.get(k) != theirs.get(k))
        if different:
            raise HybridBenchError(
                f"the two results have other {part} in {', '.join(different)}", "Evaluate both on the same data."
            )


class _Prepared(NamedTuple):
    """What all measures of a language need."""

    pairs: PoolPairs
    questions: NDArray[np.object_]
    #: the languages whose pools are looked at, and whether the pool of all is
    single: set[str]
    pooled: bool


def _prepare(result: Result, beside: Result | None = None) -> dict[str, _Prepared]:
    """By query language; with ``beside`` only the settings that this result has too: runs need not be of all."""
    found = {}
    for language, ranks in result.ranks.by_language.items():
        other = beside.ranks.by_language.get(language) if beside else ranks
        if other is not None:
            found[language] = _Prepared(
                PoolPairs.of(ranks),
                _questions(ranks, max(ranks, other, key=lambda side: len(side.query))),
                {*ranks.pools} & {*other.pools},
                bool(ranks.rank_all.any() and other.rank_all.any()),
            )
    return found


def _values(result: Result, kind: SettingKind, measure: str, prepared: dict[str, _Prepared]) -> dict[str, pd.Series[float]]:
    """Query language to the values of its questions, each the mean over the settings of a kind.

    A question is known by its id and its relevant passages: translations share both.
    """
    import pandas as pd

    found = {}
    # A result without RankDistance has relevant passages whose rank nobody knows.
    distances = {row.query_language for row in result.rows if row.measure == measure == "RankDistance"}
    for language, (pairs, questions, single, pooled) in prepared.items():
        ranks = result.ranks.by_language[language]
        if measure == "RankDistance":
            if pooled and language in distances and ranks.spans_languages():
                several = np.flatnonzero(np.bincount(ranks.query) > 1)
                found[language] = pd.Series(rank_distance(ranks.query, ranks.rank_all), questions[several], dtype=float)
            continue
        of_pool = pairs.values(parse([measure])[0])
        pools_of = {"monolingual": single & {language}, "multilingual": {ALL} if pooled else set()}
        total, count = np.zeros(len(ranks.query_ids)), np.zeros(len(ranks.query_ids))
        for pool in sorted(pools_of.get(kind, single - {language, ALL})):
            rows = np.unique(ranks.query[result.ranks.inside(language, pool)])
            total[rows] += of_pool[pool]
            count[rows] += 1
        if count.any():
            found[language] = pd.Series(total[count > 0] / count[count > 0], questions[count > 0])
    return found


def _by_question(values: list[pd.Series[float]]) -> pd.Series[float]:
    """Question to the mean over the languages that it is asked in."""
    import pandas as pd

    return pd.concat(values).groupby(level=0, sort=False).mean()


def _questions(ranks: LanguageRanks, fullest: LanguageRanks) -> NDArray[np.object_]:
    """(queries,) what a query has in common with its translations, and with no other query.

    Args:
        ranks: whose queries.
        fullest: ranks of the same queries that have passages of more languages.
    """
    passage = {fullest.query_ids[number]: doc_id for number, doc_id in zip(fullest.query.tolist(), fullest.doc_id, strict=True)}
    return np.array([f"{query_id}\t{passage[query_id]}" for query_id in ranks.query_ids], dtype=object)
