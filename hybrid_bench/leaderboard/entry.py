"""A re-scored submission as boards need it: what its card says, and every figure that is shown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from hybrid_bench.leaderboard.columns import BOARDS, BoardKind, Column
from hybrid_bench.measures.scores import ONE_A_LANGUAGE
from hybrid_bench.submissions.format.schema import Level, Submission

if TYPE_CHECKING:
    from hybrid_bench.results.record import Result
    from hybrid_bench.submissions.rescoring import Claim, Rescored

#: Digits after the point that are kept: more would show on which machine a board was made.
_DIGITS = 6


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Questions(_Record):
    """One observation a question, for tests between encoders."""

    digest: str  #: of the questions, so that only values of the same questions are paired
    values: tuple[float, ...]


class Claimed(_Record):
    """A score that the submitter states, beside the recomputed one; see ``rescoring.Claim``."""

    score: str
    claimed: float
    recomputed: float | None
    confirmed: bool


class Scored(_Record):
    """A submission on one suite.

    Attributes:
        suite: as handed in.
        level: how far it was checked.
        by_language: column to query language to the mean over the pools of that kind.
        matrix: query language to pool to the primary measure.
        primary: that measure.
        questions: column to the values that are tested; without ranks there are none.
        queries: query language to the number of its queries.
        claims: the submitter's own figures, compared.
        notes: what a reader has to know.
    """

    suite: str
    level: Level
    by_language: dict[str, dict[str, float]]
    matrix: dict[str, dict[str, float]]
    primary: str
    questions: dict[str, Questions]
    queries: dict[str, int]
    claims: tuple[Claimed, ...] = ()
    notes: tuple[str, ...] = ()


class Entry(_Record):
    """A submission, re-scored."""

    submission: Submission
    scored: dict[str, Scored]

    @property
    def slug(self) -> str:
        """The name of its page: letters, digits, points, hyphens and underscores alone."""
        name = self.submission.folder.replace("/", "__")
        return re.sub(r"[^A-Za-z0-9._-]", "-", name)


def entry_of(rescored: Rescored, kinds: Sequence[BoardKind] = BOARDS) -> Entry:
    """What boards show of a re-scored submission."""
    scored = {
        suite: _scored(kind, suite, result, rescored.levels[suite], rescored.claims[suite])
        for suite, result in rescored.results.items()
        for kind in kinds
        if kind.covers(suite)
    }
    return Entry(submission=rescored.submission, scored=scored)


def _scored(kind: BoardKind, suite: str, result: Result, level: Level, claims: Sequence[Claim]) -> Scored:
    scores = result.scores
    # The order of the rows is that of the suite's settings.
    primary = [row for row in result.rows if row.measure == result.primary]
    matrix: dict[str, dict[str, float]] = {}
    queries: dict[str, int] = {}
    for row in primary:
        matrix.setdefault(row.query_language, {})[row.pool] = round(row.value, _DIGITS)
        queries[row.query_language] = max(queries.get(row.query_language, 0), row.queries)
    by_language = {}
    for column in kind.columns:
        rows = scores[(scores["setting"] == column.setting) & (scores["measure"] == column.measure)]
        means = rows.groupby("query_language", sort=False)["value"].mean()
        if len(means):
            by_language[column.key] = {str(language): round(float(value), _DIGITS) for language, value in means.items()}
    compared = [column for column in kind.columns if column.compared and column.key in by_language]
    return Scored(
        suite=suite,
        level=level,
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
            for claim in claims
        ),
        notes=tuple(note for note in result.notes if note != ONE_A_LANGUAGE or _shows_peer(kind)),
    )


def _shows_peer(kind: BoardKind) -> bool:
    return any(column.measure == "PEER" for column in kind.columns)


def _questions(result: Result, columns: Sequence[Column]) -> dict[str, Questions]:
    from hybrid_bench.evaluation.compare import by_question

    found = {}
    for column, values in zip(columns, by_question(result, [(c.setting, c.measure) for c in columns]), strict=True):
        digest = hashlib.sha256("\n".join(map(str, values.index)).encode()).hexdigest()
        found[column.key] = Questions(digest=digest, values=tuple(round(float(value), 9) for value in values))
    return found
