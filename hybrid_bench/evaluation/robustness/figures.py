"""The figures of the study: one row a statistic, with its confidence interval."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hybrid_bench.datasets.resource_classes import resource_class
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.evaluation import gaps
from hybrid_bench.evaluation.questions import question_of
from hybrid_bench.measures.bootstrap import Interval
from hybrid_bench.measures.significance import holm
from hybrid_bench.results import exposure
from hybrid_bench.results.record import Result

if TYPE_CHECKING:
    import pandas as pd

#: Columns of :func:`table`. ``encoder`` is compared with ``against``, where there is one.
COLUMNS = (
    "suite", "encoder", "against", "statistic", "group", "name", "class", "exposure", "value", "low", "high", "p", "questions",
)  # fmt: skip


def table(results: Sequence[Result]) -> pd.DataFrame:
    """All figures of the results on one suite.

    Statistics: ``mean`` of each kind of setting and of each query set in it; ``gap`` and ``drop`` (see
    :mod:`hybrid_bench.evaluation.gaps`); and for every pair of encoders the differences ``mean difference``, ``gap difference``
    and ``drop difference``, whose p are corrected by Holm over all rows of the suite.

    Raises:
        HybridBenchError: if a query set has one question, or a result has no ranks.
    """
    import pandas as pd

    measure, named = results[0].primary, question_of(results[0])
    found = [gaps.values(result, measure, named) for result in results]
    rows: list[dict[str, Any]] = []
    for result, values in zip(results, found, strict=True):
        rows += _of_one(result, values)
    for (a, of_a), (b, of_b) in itertools.combinations(zip(results, found, strict=True), 2):
        rows += _of_two((a, b), [of_a, of_b])
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"class": "Int64"})
    compared = frame["against"] != ""
    frame.loc[compared, "p"] = holm(frame.loc[compared, "p"].tolist())
    return frame


_Values = dict[Setting, "pd.Series[float]"]


def _of_one(result: Result, values: _Values) -> list[dict[str, Any]]:
    rows = []
    seen = exposure.of_languages(result)
    for kind, settings in _kinds(values).items():
        for name, own in {"all": settings, **_by_query_set(settings)}.items():
            groups = [values[setting] for setting in own]
            mean = sum(float(group.mean()) for group in groups) / len(groups)
            language = result.query_sets[name].language if name != "all" else None
            about = {"class": resource_class(language), "exposure": seen.get(name, "")}
            rows.append(_row(result, "mean", kind, name, Interval(mean, *[float("nan")] * 3), groups) | about)
    paired = gaps.pairs(values)
    for name in dict.fromkeys(pair.cross.query_set for pair in paired):
        about = {"class": resource_class(result.query_sets[name].language), "exposure": seen[name]}
        pools = [pair for pair in paired if pair.cross.query_set == name]
        one = gaps.gap(values, pools)
        rows.append(_row(result, "gap", "cross-lingual", name, one, [values[pair.cross] for pair in pools]) | about)
    if paired:
        rows.append(_row(result, "gap", "cross-lingual", "all", gaps.gap(values, paired), [values[p.cross] for p in paired]))
    if (inside := _domains(values)) is not None:
        reference, others = inside
        about = {"exposure": exposure.of_suite(result)}
        for other in others:
            one = gaps.drop(values, reference, [other])
            rows.append(_row(result, "drop", "in-domain", other.query_set, one, [values[other]]) | about)
        rows.append(_row(result, "drop", "in-domain", "all", gaps.drop(values, reference, others), [values[o] for o in others]))
        rows[-1] |= about
    return rows


def _of_two(results: tuple[Result, Result], sides: Sequence[_Values]) -> list[dict[str, Any]]:
    a, b = results
    shared = {setting: sides[0][setting] for setting in sides[0] if setting in sides[1]}
    rows = []

    def add(statistic: str, kind: str, name: str, interval: Interval, settings: Sequence[Setting]) -> None:
        rows.append(_row(b, statistic, kind, name, interval, [shared[setting] for setting in settings]) | {"against": a.name})

    for kind, settings in _kinds(shared).items():
        for name, own in {"all": settings, **_by_query_set(settings)}.items():
            add("mean difference", kind, name, gaps.difference(sides, own), own)
    paired = gaps.pairs(shared)
    if paired:
        add("gap difference", "cross-lingual", "all", gaps.difference_of_gaps(sides, paired), [p.cross for p in paired])
    if (inside := _domains(shared)) is not None:
        reference, others = inside
        add("drop difference", "in-domain", "all", gaps.difference_of_drops(sides, reference, others), others)
    return rows


def _domains(values: _Values) -> tuple[Setting, list[Setting]] | None:
    """The in-domain settings of the reference and of the others, where there are several domains."""
    inside = [setting for setting in values if setting.kind == "in-domain"]
    return gaps.domains(values) if len(inside) > 1 else None


def _kinds(values: _Values) -> dict[str, list[Setting]]:
    kinds: dict[str, list[Setting]] = {}
    for setting in values:
        kinds.setdefault(setting.kind, []).append(setting)
    return kinds


def _by_query_set(settings: Sequence[Setting]) -> dict[str, list[Setting]]:
    found: dict[str, list[Setting]] = {}
    for setting in settings:
        found.setdefault(setting.query_set, []).append(setting)
    return found


def _row(
    result: Result, statistic: str, kind: str, name: str, interval: Interval, groups: Sequence[pd.Series[float]]
) -> dict[str, Any]:
    return {
        "suite": result.suite,
        "encoder": result.name,
        "against": "",
        "statistic": statistic,
        "group": kind,
        "name": name,
        "exposure": "",
        "questions": sum(map(len, groups)),
        **interval._asdict(),
    }
