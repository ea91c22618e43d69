"""Figures that others have published: shown beside recomputed rows, never among them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.leaderboard.columns import BoardKind
from hybrid_bench.submissions.format.schema import TrainedOn
from hybrid_bench.support import toml

_Text = Annotated[str, Field(min_length=1, max_length=4000)]


class Source(BaseModel):
    """Where published figures are from."""

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
    #: system to whether it was trained on the suites that it has figures on, where the source states it
    trained_on: dict[str, TrainedOn] = {}

    def remarks(self) -> list[tuple[str, str]]:
        """What a reader has to know of the figures, with what it is about."""
        said = {
            "figures": self.measured,
            "systems": self.systems,
            "tables": self.tables,
            "zero-shot": self.zero_shot,
            "note": self.note,
        }
        return [(label, text) for label, text in said.items() if text]


@dataclass(frozen=True)
class Figure:
    """One published number, as it is printed."""

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
        name: of the two files, without their endings.
        source: where the figures are from.
        figures: in the order of the file.
    """

    name: str
    source: Source
    figures: tuple[Figure, ...]

    def systems(self, kind: BoardKind) -> dict[str, dict[str, dict[str, float]]]:
        """System to column to query language to figure, of a board; ``mean`` is what the source states as such."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        columns = {(str(column.setting), column.measure): column.key for column in kind.columns}
        for figure in self.figures:
            key = columns.get((figure.setting, figure.measure))
            if key and kind.covers(figure.suite) and figure.query_language != "median":
                of_language = found.setdefault(figure.system, {}).setdefault(key, {})
                if figure.query_language in of_language:
                    raise HybridBenchError(
                        f"published/{self.name}.tsv states {figure.system} on {figure.suite} twice: "
                        f"{figure.setting} {figure.query_language} {figure.measure}",
                        "Leave one of them out.",
                    )
                of_language[figure.query_language] = figure.value
        return found


def read(folder: Path) -> list[PublishedFile]:
    """Every pair of ``<name>.tsv`` and ``<name>.toml`` in a folder, by name.

    Raises:
        HybridBenchError: if a table has no citation or the other way round, or either is malformed.
    """
    tables, sources = ({path.stem: path for path in folder.glob(f"*.{ending}")} for ending in ("tsv", "toml"))
    for name in sorted(tables.keys() ^ sources.keys()):
        missing = "citation" if name in tables else "table"
        raise HybridBenchError(
            f"the published figures {folder / name} have no {missing}",
            f"Add {name}.{'toml' if name in tables else 'tsv'} beside it.",
        )
    found = [PublishedFile(name, _source(sources[name]), tuple(_figures(tables[name]))) for name in sorted(tables)]
    for file in found:
        if unknown := sorted(file.source.trained_on.keys() - {figure.system for figure in file.figures}):
            raise HybridBenchError(f"{sources[file.name]}: trained_on names {unknown[0]!r}, of which there are no figures")
    return found


def _source(path: Path) -> Source:
    try:
        return Source.model_validate(toml.load(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise HybridBenchError(f"{path} is not a citation: {where}: {first['msg']}") from error


def _figures(path: Path) -> list[Figure]:
    """Tables of MIRACL may leave setting and language out: the suite's name says both."""
    figures = []
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file, delimiter="\t")
        for row in lines:
            parts = row.get("suite", "").split("/")
            language = row.get("query_language") or (parts[1] if len(parts) == 3 else "")
            try:
                figure = Figure(
                    row["suite"],
                    row["system"],
                    row.get("setting") or "monolingual",
                    language,
                    row["measure"],
                    float(row["value"]),
                )
            except (KeyError, TypeError, ValueError) as error:
                raise HybridBenchError(
                    f"{path}, line {lines.line_num}, is not a published figure: {error!r}",
                    "Its columns are suite, system, setting, query_language, measure and value.",
                ) from error
            if not language:
                raise HybridBenchError(f"{path}, line {lines.line_num}, has no query_language", "Name it, or write mean.")
            figures.append(figure)
    return figures
