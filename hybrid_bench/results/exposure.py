"""What an encoder has seen in training, as far as its card says; what the card leaves out is not stated, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from hybrid_bench.results.record import Result
from hybrid_bench.results.stated_languages import covered

#: ``tuned on``: in the data of the last fine-tuning; ``seen``: in other training alone.
Exposure = Literal["tuned on", "seen", "unseen", "not stated"]


def of_languages(result: Result) -> dict[str, Exposure]:
    """Query set to whether its language is among those on the card."""
    return {name: _of_language(result.encoder, of.language) for name, of in result.query_sets.items()}


def _of_language(card: Mapping[str, Any], language: str | None) -> Exposure:
    stated = card.get("languages") or card.get("training_languages")
    if language is None:
        return "not stated"
    if covered(language, card.get("tuned_languages") or ()):
        return "tuned on"
    return ("seen" if covered(language, stated) else "unseen") if stated else "not stated"


def of_suite(result: Result) -> Exposure:
    """Whether the card says that texts of the suite, and so its domains, are in the training data."""
    stated = result.encoder.get("trained_on_suites")
    if stated is None:
        return "not stated"
    # A restricted suite, the whole pools of one, and a collection of one share its texts.
    parts = result.suite.partition("+")[0].split("/")
    names = {"/".join(parts[:end]) for end in range(1, len(parts) + 1)} | {result.suite}
    return "seen" if names & set(stated) else "unseen"
