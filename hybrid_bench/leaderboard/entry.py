"""The data of a re-scored submission that leaderboards show, in a form that can be cached."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from hybrid_bench.leaderboard.means import by_query_set
from hybrid_bench.leaderboard.specs import BoardSpec, Column
from hybrid_bench.measures.bias_scores import ONE_A_GROUP
from hybrid_bench.results.stated_languages import left_out
from hybrid_bench.submissions.format.schema import Level, Submission

if TYPE_CHECKING:
    from hybrid_bench.results.record import Result
    from hybrid_bench.submissions.rescoring import Rescored

#: Digits after the decimal point; further digits may differ between machines.
DIGITS = 6
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
        settings: column to query language to pool to value, rounded; all means follow from them.
        languages: name of each query set and collection to its language, for those that have one.
        matrix: query language to pool to the primary measure.
        primary: name of that measure.
        questions: column to the tested values; empty without ranks.
        queries: query language to number of queries.
        claims: claimed scores.
        notes: notes to readers.
        left_out: query languages that the card does not list.
    """

    suite: str
    level: Level
    settings: dict[str, dict[str, dict[str, float]]]
    languages: dict[str, str]
    matrix: dict[str, dict[str, float]]
    primary: str
    questions: dict[str, QuestionValues]
    queries: dict[str, int]
    claims: tuple[Claimed, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def by_language(self) -> dict[str, dict[str, float]]:
        """Column to query language to the mean over the pools of the column's setting."""
        return {key: by_query_set(values, self.languages) for key, values in self.settings.items()}

    @property
    def covered(self) -> dict[str, dict[str, float]]:
        """:attr:`by_language` of the settings without the languages that the card leaves out; empty if there are none."""
        if not self.left_out:
            return {}
        found = {}
        for key, values in self.settings.items():
            stated = [name for name in values if self.languages.get(name) not in self.left_out]
            found[key] = by_query_set(values, self.languages, stated)
        return {key: of_language for key, of_language in found.items() if of_language}


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
    named = _names(board, suite, result)
    matrix: dict[str, dict[str, float]] = {}
    queries: dict[str, int] = {}
    for row in primary:
        matrix.setdefault(named[row.query_set], {})[row.pool] = round(row.value, DIGITS)
        queries[named[row.query_set]] = max(queries.get(named[row.query_set], 0), row.queries)
    settings = _settings(board, result, named)
    compared = [column for column in board.columns if column.compared and column.key in settings]
    return Scored(
        suite=suite,
        level=rescored.levels[suite],
        settings=settings,
        languages={
            named.get(name, name): of.language for name, of in (result.query_sets | result.collections).items() if of.language
        },
        matrix=matrix,
        primary=result.primary,
        questions=_questions(result, compared) if result.has_ranks else {},
        queries=queries,
        claims=tuple(
            Claimed(
                score=claim.score,
                claimed=claim.claimed,
                recomputed=None if claim.recomputed is None else round(claim.recomputed, DIGITS),
                confirmed=claim.confirmed,
            )
            for claim in rescored.claims[suite]
        ),
        notes=(
            *(note for note in result.notes if note != ONE_A_GROUP.format(group="language") or _shows_peer(board)),
            *([_RANKS_ONLY] if suite in rescored.ranks_only else []),
        ),
        left_out=left_out(result),
    )


def _names(board: BoardSpec, suite: str, result: Result) -> dict[str, str]:
    """Query set to its name on the board: that of the dataset, where one query set of each of several makes a row."""
    dataset = board.part_of(suite) if board.by == "dataset" and len(result.query_sets) == 1 else None
    return {name: dataset or name for name in result.query_sets}


def _settings(board: BoardSpec, result: Result, named: dict[str, str]) -> dict[str, dict[str, dict[str, float]]]:
    """Column to query set, by its name on the board, to pool to value, of the columns that the result has."""
    found: dict[str, dict[str, dict[str, float]]] = {column.key: {} for column in board.columns}
    for column in board.columns:
        for row in result.rows:
            if (row.setting, row.measure) == (column.setting, column.measure):
                found[column.key].setdefault(named[row.query_set], {})[row.pool] = round(row.value, DIGITS)
    return {key: values for key, values in found.items() if values}


def _shows_peer(board: BoardSpec) -> bool:
    return any(column.measure == "PEER" for column in board.columns)


def _questions(result: Result, columns: Sequence[Column]) -> dict[str, QuestionValues]:
    from hybrid_bench.evaluation.questions import by_question

    found = {}
    for column, values in zip(columns, by_question(result, [(c.setting, c.measure) for c in columns]), strict=True):
        digest = hashlib.sha256("\n".join(map(str, values.index)).encode()).hexdigest()
        found[column.key] = QuestionValues(digest=digest, values=tuple(round(float(value), 9) for value in values))
    return found
