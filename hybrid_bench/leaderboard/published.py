"""Published figures with their sources; leaderboards show them separately from recomputed scores."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.leaderboard.specs import BoardSpec
from hybrid_bench.submissions.format.schema import TrainedOn
from hybrid_bench.support import toml

_Text = Annotated[str, Field(min_length=1, max_length=4000)]

#: No measure has larger values.
_LARGEST = 1e9


class Source(BaseModel):
    """The source of published figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: _Text
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    authors: _Text
    licence: _Text
    measured: _Text
    citation: _Text
    tables: str = ""
    systems: str = ""
    zero_shot: str = ""
    note: str = ""
    #: system to what it was trained on, where the source states it
    trained_on: dict[str, TrainedOn] = {}

    def remarks(self) -> list[tuple[str, str]]:
        """(label, text) of the notes on the figures."""
        notes = {
            "figures": self.measured,
            "systems": self.systems,
            "tables": self.tables,
            "zero-shot": self.zero_shot,
            "note": self.note,
        }
        return [(label, text) for label, text in notes.items() if text]


@dataclass(frozen=True)
class Figure:
    """One published number, as printed; ``query_language`` may be ``mean`` or ``median``."""

    suite: str
    system: str
    setting: str
    query_language: str
    measure: str
    value: float


@dataclass(frozen=True)
class PublishedFile:
    """A table of published figures and its source.

    Attributes:
        name: file name of the table and its source, without extension.
        source: the source of the figures.
        figures: in file order.
    """

    name: str
    source: Source
    figures: tuple[Figure, ...]

    def systems(self, board: BoardSpec) -> dict[str, dict[str, dict[str, float]]]:
        """System to column to query language to figure, for a board; the language ``mean`` is the mean that the source states."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        columns = {(str(column.setting), column.measure): column.key for column in board.columns}
        for figure in self.figures:
            key = columns.get((figure.setting, figure.measure))
            if key and board.covers(figure.suite) and figure.query_language != "median":
                of_language = found.setdefault(figure.system, {}).setdefault(key, {})
                part = figure.query_language if board.by == "language" else board.part_of(figure.suite) or figure.query_language
                if part in of_language:
                    raise HybridBenchError(
                        f"published/{self.name}.tsv: duplicate figure of {figure.system} on {figure.suite}: "
                        f"{figure.setting} {figure.query_language} {figure.measure}",
                        "Remove one of them.",
                    )
                of_language[part] = figure.value
        return found


def read(folder: Path, boards: Sequence[BoardSpec]) -> list[PublishedFile]:
    """Read every pair of ``<name>.tsv`` and ``<name>.toml`` in a folder, sorted by name.

    Args:
        folder: ``published/``; may be missing.
        boards: give the languages of suites whose names contain one, such as ``miracl/sw/dev``.

    Raises:
        HybridBenchError: if a table has no citation or a citation no table, or either is malformed.
    """
    tables, sources = ({path.stem: path for path in folder.glob(f"[!.]*.{ending}")} for ending in ("tsv", "toml"))
    for name in sorted(tables.keys() ^ sources.keys()):
        missing = "citation" if name in tables else "table"
        raise HybridBenchError(
            f"the published figures {folder / name} have no {missing}",
            f"Add {name}.{'toml' if name in tables else 'tsv'} beside it.",
        )
    found = [PublishedFile(name, _source(sources[name]), tuple(_figures(tables[name], boards))) for name in sorted(tables)]
    for file in found:
        if unknown := sorted(file.source.trained_on.keys() - {figure.system for figure in file.figures}):
            raise HybridBenchError(f"{sources[file.name]}: trained_on names {unknown[0]!r}, which has no figures")
    return found


def _source(path: Path) -> Source:
    try:
        return Source.model_validate(toml.load(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise HybridBenchError(f"{path} is not a valid citation: {where}: {first['msg']}") from error


def _figures(path: Path, boards: Sequence[BoardSpec]) -> list[Figure]:
    """Read a table; setting and language may be omitted for suites of one language, whose names contain it."""
    try:
        return _rows(path, boards)
    except (UnicodeDecodeError, csv.Error) as error:
        raise HybridBenchError(f"{path} is not a tab-separated table in UTF-8: {error}") from error


def _rows(path: Path, boards: Sequence[BoardSpec]) -> list[Figure]:
    figures = []
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file, delimiter="\t")
        for row in lines:
            language = row.get("query_language") or _language(row.get("suite", ""), boards)
            try:
                figure = Figure(
                    row["suite"],
                    row["system"],
                    row.get("setting") or "monolingual",
                    language,
                    row["measure"],
                    _number(row["value"]),
                )
            except (KeyError, TypeError, ValueError) as error:
                raise HybridBenchError(
                    f"{path}, line {lines.line_num}: invalid figure: {error if isinstance(error, ValueError) else repr(error)}",
                    "The columns are suite, system, setting, query_language, measure and value.",
                ) from error
            if not language and any(board.covers(figure.suite) for board in boards):
                raise HybridBenchError(
                    f"{path}, line {lines.line_num}: query_language is missing", "State the language, or mean."
                )
            figures.append(figure)
    return figures


def _number(text: str | None) -> float:
    """A finite figure, as printed."""
    value = float(text) if text and text.isascii() and "_" not in text else math.nan
    if not abs(value) <= _LARGEST:
        raise ValueError(f"{text or ''!a} is not a finite number; leave out the line of a figure that the source does not state")
    return value


def _language(suite: str, boards: Sequence[BoardSpec]) -> str:
    return next((language for board in boards if (language := board.part_of(suite))), "")
