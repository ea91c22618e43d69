"""Views of a report by a property of questions: topic, question word, domain of a line."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.questions import question_of
from hybrid_bench.reports.columns import Column, Plan, View, by_setting
from hybrid_bench.reports.observations import Observations
from hybrid_bench.results.record import Result


def views(result: Result) -> dict[str, View]:
    """The views of a result's suite, by the names of :attr:`Suite.slices`; none if the suite is not known here."""
    try:
        slices = load_suite(result.rows[0].suite).slices  # the suite without restrictions
    except HybridBenchError:
        return {}
    return {name: functools.partial(_by, name, slice_of) for name, slice_of in slices.items()}


def _by(name: str, slice_of: Callable[[], Mapping[str, str]], results: Sequence[Result]) -> list[Plan]:
    """A table for each kind of setting: a column for each slice, that with the most questions first."""
    value_of = _by_question(slice_of(), results)
    of = Observations(results)
    plans = []
    for column in by_setting(results)[0].columns:
        if not column.tested:
            continue
        questions = {key for sets in of.by_query_set(column) for series in sets.values() for key in series.index}
        # A question is named by its id and a relevant passage where the suite does not name it, see evaluation.questions.
        sliced = {key: value for key in questions if (value := value_of.get(key.partition("\t")[0])) is not None}
        inside = {value: frozenset(key for key in sliced if sliced[key] == value) for value in sorted(set(sliced.values()))}
        columns = [
            Column(f"{value} ({len(own):,})", column.kind, column.measure, questions=own)
            for value, own in sorted(inside.items(), key=lambda item: -len(item[1]))
        ]
        if columns:
            label = "-".join(column.label.lower().replace("@", "").split())
            plans.append(Plan(f"{name}-{label}", f"{column.label} by {name} ({of.unit}s)", tuple(columns)))
    return plans


def _by_question(value_of: Mapping[str, str], results: Sequence[Result]) -> Mapping[str, str]:
    """The values of query ids as those of what the suite names a question by."""
    named = question_of(results[0])
    if named is None:
        return value_of
    query_ids = (
        (name, query_id)
        for of in results
        if of.has_ranks
        for name, ranks in of.ranks.by_query_set.items()
        for query_id in ranks.query_ids
    )
    return {named(name, query_id): value_of[query_id] for name, query_id in query_ids if query_id in value_of}
