"""What an encoder has seen in training, as far as its card says; what the card leaves out is not stated, never guessed."""

from __future__ import annotations

from typing import Literal

from hybrid_bench.results.record import Result
from hybrid_bench.results.stated_languages import left_out

Exposure = Literal["seen", "unseen", "not stated"]


def of_languages(result: Result) -> dict[str, Exposure]:
    """Query set to whether its language is among those on the card."""
    stated = result.encoder.get("languages") or result.encoder.get("training_languages")
    unseen = set(left_out(result))
    found: dict[str, Exposure] = {}
    for name, of in result.query_sets.items():
        known = bool(stated) and of.language is not None
        found[name] = ("unseen" if of.language in unseen else "seen") if known else "not stated"
    return found


def of_suite(result: Result) -> Exposure:
    """Whether the card says that texts of the suite, and so its domains, are in the training data."""
    stated = result.encoder.get("trained_on_suites")
    if stated is None:
        return "not stated"
    # A restricted suite, the whole pools of one, and a collection of one share its texts.
    roots = {result.suite, result.suite.partition("+")[0], result.suite.partition("/")[0]}
    return "seen" if roots & set(stated) else "unseen"
