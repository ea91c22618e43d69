"""The data of a re-scored submission that leaderboards show, in a form that can be cached."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from hybrid_bench.leaderboard.specs import BoardSpec, Column
from hybrid_bench.measures.bias_scores import ONE_A_GROUP
from hybrid_bench.results.stated_languages import left_out, without
from hybrid_bench.submissions.format.schema import Level, Submission

if TYPE_CHECKING:
    from hybrid_bench.results.record import Result
    from hybrid_bench.submissions.rescoring import Rescored

#: Digits after the decimal point; further digits may differ between machines.
_DIGITS = 6
_RANKS_ONLY = "The attestation is of an earlier version: it covers the ranks, not the card."


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuestionValues(_Record):
    """One value per question, for significance tests between encoders."""

    digest: str  #: of the questions; only values of the same questions are paired
    values: tuple[float, ...]


class Claimed(_Record):
    """A claimed score and the recomputed one; see ``rescoring.Claim``."""

    score: str
    claimed: float
    recomputed: float | None
    confirmed: bool


class Scored(_Record):
    """A submission on one suite.

    Attributes:
        suite: name of the suite.
        level: verification level.
        by_language: column to query language to the mean over the pools of the column's setting.
        matrix: query language to pool to the primary measure.
        primary: name of that measure.
        questions: column to the tested values; empty without ranks.
        queries: query language to number of queries.
        claims: claimed scores.
        notes: notes to readers.
        left_out: query languages that the card does not list.
        covered: :attr:`by_language` of the settings without them; empty if there are none.
    """

    suite: str
    level: Level
    by_language: dict[str, dict[str, float]]
    matrix: dict[str, dict[str, float]]
    primary: str
    questions: dict[str, QuestionValues]
    queries: dict[str, int]
    claims: tuple[Claimed, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    covered: dict[str, dict[str, float]] = {}


class Entry(_Record):
    """A submission, re-scored."""

    submission: Submission
    scored: dict[str, Scored]
    signatures: dict[str, tuple[float, ...]] = {}  #: suite to ``similarity.Ranked.signature``

    @property
    def slug(self) -> str:
        """File name of its page; contains only letters, digits, ``.``, ``-`` and ``_``."""
        name = self.submission.folder.replace("/", "__")
        return re.sub(r"[^A-Za-z0-9._-]", "-", name)


def entry_of(rescored: Rescored, boards: Sequence[BoardSpec]) -> Entry:
    """Extract what the boards show of a re-scored submission."""
    scored = {
        suite: _scored(board, suite, result, rescored)
        for suite, result in rescored.results.items()
        for board in boards
        if board.covers(suite)
    }
    return Entry(submission=rescored.submission, scored=scored, signatures=rescored.signatures)


def _scored(board: BoardSpec, suite: str, result: Result, rescored: Rescored) -> Scored:
    # Rows are in the order of the suite's settings.
    primary = [row for row in result.rows if row.measure == result.primary]
    matrix: dict[str, dict[str, float]] = {}
    queries: dict[str, int] = {}
    for row in primary:
        matrix.setdefault(row.query_set, {})[row.pool] = round(row.value, _DIGITS)
        queries[row.query_set] = max(queries.get(row.query_set, 0), row.queries)
    by_language = _by_language(board, result)
    missing = left_out(result)
    compared = [column for column in board.columns if column.compared and column.key in by_language]
    return Scored(
        suite=suite,
        level=rescored.levels[suite],
        by_language=by_language,
        matrix=matrix,
        primary=result.primary,
        questions=_questions(result, compared) if result.has_ranks else {},
        queries=queries,
        claims=tuple(
            Claimed(
                score=claim.score,
                claimed=claim.claimed,
                recomputed=None if claim.recomputed is None else round(claim.recomputed, _DIGITS),
                confirmed=claim.confirmed,
            )
            for claim in rescored.claims[suite]
        ),
        notes=(
            *(note for note in result.notes if note != ONE_A_GROUP.format(group="language") or _shows_peer(board)),
            *([_RANKS_ONLY] if suite in rescored.ranks_only else []),
        ),
        left_out=missing,
        covered=_by_language(board, without(result, missing)) if missing else {},
    )


def _by_language(board: BoardSpec, result: Result) -> dict[str, dict[str, float]]:
    """Column to query language to the mean over the pools of the column's setting."""
    scores = result.scores
    found = {}
    for column in board.columns:
        rows = scores[(scores["setting"] == column.setting) & (scores["measure"] == column.measure)]
        means = rows.groupby("query_set", sort=False)["value"].mean()
        if len(means):
            found[column.key] = {str(language): round(float(value), _DIGITS) for language, value in means.items()}
    return found


def _shows_peer(board: BoardSpec) -> bool:
    return any(column.measure == "PEER" for column in board.columns)


def _questions(result: Result, columns: Sequence[Column]) -> dict[str, QuestionValues]:
    from hybrid_bench.evaluation.questions import by_question

    found = {}
    for column, values in zip(columns, by_question(result, [(c.setting, c.measure) for c in columns]), strict=True):
        digest = hashlib.sha256("\n".join(map(str, values.index)).encode()).hexdigest()
        found[column.key] = QuestionValues(digest=digest, values=tuple(round(float(value), 9) for value in values))
    return found
