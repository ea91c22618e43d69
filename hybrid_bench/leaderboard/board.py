"""A leaderboard: recomputed rows with significance groups, and published rows separately."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.leaderboard.entry import Entry, QuestionValues, Scored
from hybrid_bench.leaderboard.levels import LEVELS
from hybrid_bench.leaderboard.published import PublishedFile, Source
from hybrid_bench.leaderboard.specs import BoardSpec
from hybrid_bench.reports.letters import different_pairs, letters
from hybrid_bench.submissions.suspicion import high_scores

_V = TypeVar("_V")

#: ``trained_on`` of a suite to the text that is shown as zero-shot.
ZERO_SHOT = {
    "no": "yes",
    "articles": "no: trained on its articles",
    "split": "no: trained on its training split",
    "suite": "no: trained on the suite",
    "not stated": "not stated",
    "untrained": "yes: untrained",
}


@dataclass(frozen=True)
class Row:
    """A row of a board.

    Attributes:
        name: display name of the encoder.
        level: verification level, or ``published``.
        values: column to the mean over query languages; columns without a value are missing.
        by_language: column to query language to value.
        groups: column to letters; rows that share a letter do not differ significantly.
        page: file name of the encoder's page, without extension.
        source: name of the source of published figures.
        claimed: whether all claimed scores were confirmed; None without claims.
        left_out: query languages in the means that the encoder's card does not list.
        covered: column to the mean without them; empty if there are none.
        settings: column to query language to pool to value; of published figures, only where one pool is searched.
        languages_of: name of each query set and collection to its language.
    """

    name: str
    level: str
    values: dict[str, float]
    by_language: dict[str, dict[str, float]]
    groups: dict[str, str] = field(default_factory=dict)
    revision: str = ""
    zero_shot: str = "not stated"
    passage_text: str = "not stated"
    strategy: str = "not stated"
    alpha: float | None = None
    parameters: int | None = None
    dimension: int | None = None
    licence: str = ""
    page: str = ""
    source: str = ""
    claimed: bool | None = None
    left_out: tuple[str, ...] = ()
    covered: dict[str, float] = field(default_factory=dict)
    settings: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    languages_of: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Distinguishes the row on its board."""
        return self.page or f"{self.source}:{self.name}"

    @property
    def mark(self) -> str:
        """What follows the name of an encoder whose means are over languages that its card leaves out."""
        return "*" if self.left_out else ""

    @property
    def published(self) -> bool:
        """Whether its figures are copied from a source."""
        return bool(self.source)

    @property
    def languages(self) -> int:
        """Number of query languages that its means are over."""
        return max((len(of_language) for of_language in self.by_language.values()), default=0)


@dataclass(frozen=True)
class Board:
    """A board with its rows, best first."""

    spec: BoardSpec
    rows: tuple[Row, ...]
    published: tuple[Row, ...]
    sources: dict[str, Source]
    notes: tuple[str, ...]
    #: suite to the sha256 of its texts and judgements, of the suites that were submitted
    data: dict[str, str] = field(default_factory=dict)

    @property
    def query_languages(self) -> list[str]:
        """The query languages of the detail column, sorted."""
        found = (row.by_language.get(self.spec.detail, {}) for row in (*self.rows, *self.published))
        return sorted({language for of_language in found for language in of_language})

    @property
    def levels(self) -> list[str]:
        """The verification levels of its rows, from the weakest."""
        found = {row.level for row in (*self.rows, *self.published)}
        return [level for level in LEVELS if level in found]


def make(spec: BoardSpec, entries: Sequence[Entry], published: Sequence[PublishedFile]) -> Board:
    """Assemble a board; the suites of a submission that the board covers form one row."""
    chosen = [(entry, of_board) for entry in entries if (of_board := _on(spec, entry))]
    rows = [_row(entry, of_board) for entry, of_board in chosen]
    order = sorted(range(len(rows)), key=lambda at: _place(spec, rows[at]))
    rows = _with_groups(spec, [rows[at] for at in order], [chosen[at][1] for at in order])
    beside = [_published_row(spec, file, system, figures) for file in published for system, figures in file.systems(spec).items()]
    beside.sort(key=lambda row: _place(spec, row))
    used = {row.source for row in beside}
    notes = [_left_out_note(spec, row) for row in rows if row.left_out]
    notes += _notes([(entry.submission.title, scored.notes) for entry, of_board in chosen for scored in of_board])
    return Board(
        spec,
        tuple(rows),
        tuple(beside),
        {file.name: file.source for file in published if file.name in used},
        tuple(dict.fromkeys([*([spec.caution] if spec.caution else []), *notes])),
        {scored.suite: entry.submission.suites[scored.suite].data for entry, of_board in chosen for scored in of_board},
    )


def _left_out_note(spec: BoardSpec, row: Row) -> str:
    means = ", ".join(
        f"{column.label} {column.format(row.covered[column.key])}" for column in spec.columns if column.key in row.covered
    )
    return f"* {row.name}: its card does not list {', '.join(row.left_out)}. Means without these languages: {means}."


def suspicious(made: Board) -> list[str]:
    """The rows with figures that are too good and that no one re-ran, for a maintainer to look at."""
    found = []
    for row in made.rows:
        means = {
            f"{column.setting} {column.measure}": row.values[column.key]
            for column in made.spec.columns
            if column.key in row.values
        }
        if row.level != "re-run":
            found += [f"{made.spec.name}: {row.name} {row.revision}: {phrase}" for phrase in high_scores(means)]
    return found


def _notes(notes_of: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Deduplicate notes; a note that does not apply to all rows is prefixed with the names of its rows."""
    about: dict[str, list[str]] = {}
    for name, notes in notes_of:
        for note in notes:
            about.setdefault(note, []).append(name)
    return [
        note if len(names) == len(notes_of) else f"{', '.join(dict.fromkeys(names))}: {note}" for note, names in about.items()
    ]


def _on(spec: BoardSpec, entry: Entry) -> list[Scored]:
    return [scored for suite, scored in entry.scored.items() if spec.covers(suite)]


def _place(spec: BoardSpec, row: Row) -> tuple[float, str, str]:
    """Sort key: best first, ties by name and revision, so that the order is deterministic."""
    sign = -1 if spec.column(spec.sorted_by).higher_is_better else 1
    value = row.values.get(spec.sorted_by)
    return (math.inf if value is None else sign * value, row.name, row.revision)


def _row(entry: Entry, of_board: list[Scored]) -> Row:
    submission, card = entry.submission, entry.submission.card
    by_language = _joined(scored.by_language for scored in of_board)
    missing = tuple(dict.fromkeys(language for scored in of_board for language in scored.left_out))
    covered = _joined(scored.covered if scored.left_out else scored.by_language for scored in of_board) if missing else {}
    suite_entries = [submission.suites[scored.suite] for scored in of_board]
    claims = [claim.confirmed for scored in of_board for claim in scored.claims]
    return Row(
        name=submission.title,
        # The level of a row is the weakest of its parts.
        level=min((scored.level for scored in of_board), key=list(LEVELS).index),
        values={key: fmean(of_language.values()) for key, of_language in by_language.items()},
        by_language=by_language,
        revision=submission.revision,
        zero_shot=_unique(ZERO_SHOT[part.trained_on] for part in suite_entries),
        passage_text=_unique(part.passage_text for part in suite_entries),
        strategy=card.batch_strategy,
        alpha=card.alpha,
        parameters=card.parameters,
        dimension=card.dimension,
        licence=card.licence,
        page=entry.slug,
        claimed=all(claims) if claims else None,
        left_out=missing,
        covered={key: fmean(of_language.values()) for key, of_language in covered.items()},
        settings=_joined(scored.settings for scored in of_board),
        languages_of={name: language for scored in of_board for name, language in scored.languages.items()},
    )


def _joined(parts: Iterable[dict[str, dict[str, _V]]]) -> dict[str, dict[str, _V]]:
    """Column to query language to value, of the suites of a row."""
    found: dict[str, dict[str, _V]] = {}
    for part in parts:
        for key, of_language in part.items():
            found.setdefault(key, {}).update(of_language)
    return found


def _unique(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))


def _published_row(spec: BoardSpec, file: PublishedFile, system: str, figures: dict[str, dict[str, float]]) -> Row:
    by_language = {key: {language: v for language, v in found.items() if language != "mean"} for key, found in figures.items()}
    return Row(
        name=system,
        level="published",
        values={key: found["mean"] if "mean" in found else fmean(found.values()) for key, found in figures.items()},
        by_language=by_language,
        zero_shot=ZERO_SHOT[file.source.trained_on.get(system, "not stated")],
        source=file.name,
        # A figure of a language is a mean over pools, which follows from no other languages unless there is one pool.
        settings={
            key: {language: {"": value} for language, value in found.items()}
            for key, found in by_language.items()
            if spec.column(key).setting != "cross-lingual"
        },
    )


def _with_groups(spec: BoardSpec, rows: list[Row], scored: list[list[Scored]]) -> list[Row]:
    """Test rows on the same questions of one suite; rows of several suites, or of one of many, are not tested."""
    compared = [column for column in spec.columns if column.compared]
    values: dict[str, list[NDArray[np.float64] | None]] = {}
    for column in compared:
        found = [_questions(spec, column.key, of_board) for of_board in scored]
        digests = {questions.digest for questions in found if questions}
        values[column.key] = [
            np.asarray(questions.values, dtype=np.float64) if questions and len(digests) == 1 else None for questions in found
        ]
    different = different_pairs(values)
    groups: list[dict[str, str]] = [{} for _ in rows]
    for column in compared:
        sign = -1 if column.higher_is_better else 1
        tested = [at for at, of_questions in enumerate(values[column.key]) if of_questions is not None]
        if len(tested) < 2:
            continue
        tested.sort(key=lambda at: (sign * rows[at].values[column.key], at))
        for at, of_row in letters(tested, sorted(different[column.key])).items():
            groups[at][column.key] = of_row
    return [replace(row, groups=of_row) for row, of_row in zip(rows, groups, strict=True)]


def _questions(spec: BoardSpec, key: str, of_board: list[Scored]) -> QuestionValues | None:
    """The tested values of a row; None if it is not tested."""
    if len(of_board) != 1 or spec.part_of(of_board[0].suite) is not None:
        return None
    return of_board[0].questions.get(key)
