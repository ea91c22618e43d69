"""A board: the rows of a suite, the recomputed ones in groups that do not differ, the published ones apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.leaderboard.columns import BoardKind
from hybrid_bench.leaderboard.entry import Entry, Scored
from hybrid_bench.leaderboard.groups import different_pairs, letters
from hybrid_bench.leaderboard.published import PublishedFile, Source

ZERO_SHOT = {"no": "yes", "articles": "no: its articles", "suite": "no: the suite", "not stated": "not stated"}


@dataclass(frozen=True)
class Row:
    """A line of a board.

    Attributes:
        name: what it is called.
        level: how far it was checked; ``published`` if it was not.
        values: column to the mean over languages; without a figure there is no key.
        by_language: column to query language to figure.
        groups: column to letters; rows of a board that share one do not differ significantly.
        page: file name of the encoder's page, without its ending.
        source: of published figures.
        claimed: whether every score that was claimed is what was recomputed; None if none was claimed.
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

    @property
    def published(self) -> bool:
        """Whether its figures are a source's, and not computed here."""
        return bool(self.source)

    @property
    def languages(self) -> int:
        """How many languages its means are over."""
        return max((len(of_language) for of_language in self.by_language.values()), default=0)


@dataclass(frozen=True)
class Board:
    """The rows of a suite."""

    kind: BoardKind
    rows: tuple[Row, ...]
    published: tuple[Row, ...]
    sources: dict[str, Source]
    notes: tuple[str, ...]

    @property
    def query_languages(self) -> list[str]:
        """Those of the detail column, sorted."""
        found = (row.by_language.get(self.kind.detail, {}) for row in (*self.rows, *self.published))
        return sorted({language for of_language in found for language in of_language})


def make(kind: BoardKind, entries: Sequence[Entry], published: Sequence[PublishedFile]) -> Board:
    """The board of a suite; a submission on several languages' suites of it is one row."""
    chosen = [(entry, of_board) for entry in entries if (of_board := _on(kind, entry))]
    rows = [_row(entry, of_board) for entry, of_board in chosen]
    order = sorted(range(len(rows)), key=lambda at: _place(kind, rows[at]))
    tested = [[of_board[0] for _, of_board in chosen][at] for at in order]
    rows = _with_groups(kind, [rows[at] for at in order], tested)
    beside = [_published_row(file, system, figures) for file in published for system, figures in file.systems(kind).items()]
    beside.sort(key=lambda row: _place(kind, row))
    used = {row.source for row in beside}
    notes = [note for _, of_board in chosen for scored in of_board for note in scored.notes]
    return Board(
        kind,
        tuple(rows),
        tuple(beside),
        {file.name: file.source for file in published if file.name in used},
        tuple(dict.fromkeys([*([kind.caution] if kind.caution else []), *notes])),
    )


def _on(kind: BoardKind, entry: Entry) -> list[Scored]:
    return [scored for suite, scored in entry.scored.items() if kind.covers(suite)]


def _place(kind: BoardKind, row: Row) -> tuple[float, str, str]:
    """Best first; names decide ties, so that a board is the same wherever it is made."""
    return (-row.values.get(kind.sorted_by, float("-inf")), row.name, row.revision)


def _row(entry: Entry, of_board: list[Scored]) -> Row:
    submission, card = entry.submission, entry.submission.card
    by_language: dict[str, dict[str, float]] = {}
    for scored in of_board:
        for key, of_language in scored.by_language.items():
            by_language.setdefault(key, {}).update(of_language)
    handed = [submission.suites[scored.suite] for scored in of_board]
    claims = [claim.confirmed for scored in of_board for claim in scored.claims]
    return Row(
        name=submission.title,
        # A row is as sure as its least sure part.
        level=min((scored.level for scored in of_board), key=("ranks re-scored", "vectors re-scored", "re-run").index),
        values={key: fmean(of_language.values()) for key, of_language in by_language.items()},
        by_language=by_language,
        revision=submission.revision,
        zero_shot=_joined(ZERO_SHOT[part.trained_on] for part in handed),
        passage_text=_joined(part.passage_text for part in handed),
        strategy=card.batch_strategy,
        alpha=card.alpha,
        parameters=card.parameters,
        dimension=card.dimension,
        licence=card.licence,
        page=entry.slug,
        claimed=all(claims) if claims else None,
    )


def _joined(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))


def _published_row(file: PublishedFile, system: str, figures: dict[str, dict[str, float]]) -> Row:
    by_language = {key: {language: v for language, v in found.items() if language != "mean"} for key, found in figures.items()}
    values = {key: found["mean"] if "mean" in found else fmean(found.values()) for key, found in figures.items()}
    return Row(name=system, level="published", values=values, by_language=by_language, source=file.name)


def _with_groups(kind: BoardKind, rows: list[Row], scored: list[Scored]) -> list[Row]:
    """Only rows whose questions are the same are tested; on several suites in one row none is."""
    compared = [column for column in kind.columns if column.compared]
    values: dict[str, list[NDArray[np.float64] | None]] = {}
    for column in compared:
        found = [part.questions.get(column.key) if part.suite == kind.suite else None for part in scored]
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
