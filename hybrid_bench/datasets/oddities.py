"""What is odd in a suite's data and accepted by a stated rule, as published sets are so: counted, and noted in the result."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from hybrid_bench.errors import HybridBenchError

Rule = Literal[
    "twice", "no-query", "none-relevant", "no-scores", "unjudged", "no-passage", "empty", "surrogate", "own-kept", "own-dropped"
]
#: The rules, as notes state them: one case, several.
_NOTES: dict[Rule, tuple[str, str]] = {
    "twice": (
        "1 judgement repeats a pair of query and passage: the last counts, as in ir_measures",
        "{count:,} judgements repeat a pair of query and passage: the last counts, as in ir_measures",
    ),
    "no-query": (
        "1 judgement names a query that does not exist: it is left out",
        "{count:,} judgements name queries that do not exist: they are left out",
    ),
    "none-relevant": (
        "1 query is judged, and no passage is relevant to it: it is left out of every mean",
        "{count:,} queries are judged, and no passage is relevant to them: they are left out of every mean",
    ),
    "no-scores": (
        "1 query set has no query with a relevant passage: it has no scores",
        "{count:,} query sets have no query with a relevant passage: they have no scores",
    ),
    "unjudged": (
        "1 query has no judgement: it is left out of every mean",
        "{count:,} queries have no judgement: they are left out of every mean",
    ),
    "no-passage": (
        "1 judgement names a passage that is not in its collection: it counts as relevant and never retrieved, as in trec_eval; "
        "in RankDistance and PEER it ranks right behind the pool",
        "{count:,} judgements name passages that are not in their collection: they count as relevant and never retrieved, as in "
        "trec_eval; in RankDistance and PEER they rank right behind the pool",
    ),
    "empty": (
        "1 passage has no text: it is kept, and encoded as an empty text",
        "{count:,} passages have no text: they are kept, and encoded as empty texts",
    ),
    "surrogate": (
        "1 text holds half of a surrogate pair, which UTF-8 cannot: U+FFFD stands for it",
        "{count:,} texts hold halves of surrogate pairs, which UTF-8 cannot: U+FFFD stands for each",
    ),
    "own-kept": (
        "1 query is searched among passages of which one has its id: that passage is kept (--drop-own leaves it out)",
        "{count:,} queries are searched among passages of which one has their id: it is kept (--drop-own leaves it out)",
    ),
    "own-dropped": (
        "1 query is searched among passages of which one has its id: that passage is left out, as by BEIR",
        "{count:,} queries are searched among passages of which one has their id: it is left out, as by BEIR",
    ),
}
#: What is stated, and no flaw: a file of queries is often that of several splits.
_NO_FLAWS: frozenset[Rule] = frozenset({"unjudged"})


class Oddities:
    """Counts of what is odd, by rule, each with its first case."""

    def __init__(self) -> None:
        self._count: Counter[Rule] = Counter()
        self._first: dict[Rule, str] = {}

    def add(self, rule: Rule, case: str) -> None:
        """Count a case.

        Args:
            rule: that it is accepted by.
            case: what it is of: ids.
        """
        self._count[rule] += 1
        self._first.setdefault(rule, case if len(case) <= 120 else f"{case[:120]}...")

    def notes(self, without: frozenset[Rule] = frozenset()) -> list[str]:
        """What a reader of scores has to know: one sentence a rule.

        Args:
            without: rules that are not stated.
        """
        found = [rule for rule in _NOTES if self._count[rule] and rule not in without]
        return [
            f"{_NOTES[rule][self._count[rule] > 1].format(count=self._count[rule])} (first: {self._first[rule]})."
            for rule in found
        ]

    def refuse(self, suite: str) -> None:
        """Raise HybridBenchError if anything is odd but queries without a judgement: for ``--strict``."""
        if notes := self.notes(_NO_FLAWS):
            raise HybridBenchError(
                f"{suite} is not flawless, which --strict asks for: {' '.join(notes)}",
                "Correct its files, or leave --strict out.",
            )
