"""Commands that make the scores of a submission."""

from __future__ import annotations

import shlex

from hybrid_bench.submissions.format.schema import Submission


def of(submission: Submission, suite: str) -> list[tuple[str, str]]:
    """(explanation, command) of each way to the scores on a suite, for a shell.

    Searchers without vectors, such as BM25, have no encoder to evaluate.
    """
    found = [("From the submitted ranks or runs, as all boards are made:", "hybrid-bench leaderboard build --check")]
    card = submission.card
    if card.dimension is not None and not card.pool_dependent:
        found.append(("From the texts, where the encoder is installed:", shlex.join(_evaluate(submission, suite))))
    return found


def _evaluate(submission: Submission, suite: str) -> list[str]:
    card, entry = submission.card, submission.suites[suite]
    command = ["hybrid-bench", "evaluate", card.model or submission.name, "--suite", suite]
    if entry.passage_text != "sentence":
        command += ["--passage-text", entry.passage_text]
    if entry.dtype not in (None, "fp32"):
        command += ["--dtype", str(entry.dtype)]
    if card.model:  # without a card of its own; an encoder that is installed by name has one
        prefixes = {"--query-prefix": card.query_prefix, "--passage-prefix": card.passage_prefix}
        command += [part for option, prefix in prefixes.items() if prefix for part in (option, prefix)]
    return command
