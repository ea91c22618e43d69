"""Board specifications: which suites and columns a leaderboard shows, read from one TOML file per board."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hybrid_bench.datasets.settings import SettingKind
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures import from_ranks, mean_recall
from hybrid_bench.measures.bias_scores import bias_measures
from hybrid_bench.support import toml

#: The folder of specifications inside a folder of leaderboards.
FOLDER = "boards"
#: The specifications that the package ships, for folders without their own.
DEFAULTS = Path(__file__).parent / "boards"

_BIAS_MEASURE = "RankDistance"
_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
_Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Text = Annotated[str, Field(min_length=1, max_length=500)]
_Suite = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]*(/([a-z0-9._+-]+|\*))*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """A column: a measure in a kind of setting, averaged over the pools of a query language, then over query languages.

    Attributes:
        key: the column's name in CSV and JSON.
        label: the heading in tables.
        setting: the kind of settings.
        measure: the measure.
        hint: explanation for readers.
        higher_is_better: whether larger values are better.
        decimals: digits after the decimal point.
        compared: whether rows are tested for significant differences in this column.
    """

    key: _Key
    label: _Text
    setting: SettingKind
    measure: _Text
    hint: str = ""
    higher_is_better: bool = True
    decimals: Annotated[int, Field(ge=0, le=6)] = 4
    compared: bool = True

    @field_validator("measure")
    @classmethod
    def _exists(cls, measure: str) -> str:
        of_bias = bias_measures()
        if measure in of_bias or measure == mean_recall.NAME:
            return measure
        other = f"it is no measure of bias: {', '.join(of_bias)}"
        try:
            (found,) = from_ranks.known([measure])
        except HybridBenchError as error:
            raise ValueError(f"{error.problem}, and {other}") from error
        if found.NAME in {name.partition("@")[0] for name in of_bias}:  # with other parameters, which no result has
            raise ValueError(f"results do not have {measure!r}, and {other}")
        return measure

    def format(self, value: float | None) -> str:
        """Format a value for all outputs; empty for None."""
        return "" if value is None else f"{value:.{self.decimals}f}"


class BoardSpec(_Strict):
    """The specification of a board.

    Attributes:
        name: names the generated files; the name of the TOML file without its extension.
        title: the heading.
        about: one sentence on the data.
        version: raised when rows are no longer comparable with those before: other data, other measures.
        position: order among the boards, ascending; ties are ordered by name.
        suites: names of the suites on this board. A part ``*`` stands for a language, as in ``miracl/*/dev``, or a dataset, as in
            ``beir/*/test``: a submission's suites that match such a pattern form one row.
        by: what query sets, or the suites of a row, differ in: means are over it.
        columns: in order.
        sorted_by: key of the column that orders the rows.
        detail: key of the column that is also shown by query language.
        caution: a note to readers that compare rows.
    """

    name: Annotated[str, Field(pattern=_NAME)]
    title: _Text
    about: _Text
    version: Annotated[int, Field(ge=1)] = 1
    position: int = 100
    suites: Annotated[tuple[_Suite, ...], Field(min_length=1)]
    by: Literal["language", "domain", "dataset"] = "language"
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    sorted_by: str
    detail: str
    caution: str = ""

    @model_validator(mode="after")
    def _check(self) -> BoardSpec:
        keys = [column.key for column in self.columns]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"two columns have the key {repeated[0]!r}")
        for field, key in (("sorted_by", self.sorted_by), ("detail", self.detail)):
            if key not in keys:
                raise ValueError(f"{field} names no column: {key!r}; columns: {', '.join(keys)}")
        if many := [pattern for pattern in self.suites if pattern.count("*") > 1]:
            raise ValueError(f"a suite has at most one part '*', the language or dataset: {many[0]!r}")
        return self

    def column(self, key: str) -> Column:
        """The column with a key."""
        return next(column for column in self.columns if column.key == key)

    @property
    def bias(self) -> Column | None:
        """The first column of RankDistance; None if the board has none."""
        return next((column for column in self.columns if column.measure == _BIAS_MEASURE), None)

    @property
    def main(self) -> tuple[str, ...]:
        """Keys of the columns on narrow screens, up to three: the one that orders the rows, that of bias, and the first other."""
        keys = dict.fromkeys([self.sorted_by, *([self.bias.key] if self.bias else []), *(column.key for column in self.columns)])
        return tuple(keys)[:3]

    @property
    def part(self) -> str:
        """What means are over, as readers read it."""
        return {"language": "query language", "domain": "domain", "dataset": "dataset"}[self.by]

    @property
    def example(self) -> str:
        """The name of a suite on the board, with LANGUAGE for a language, or DATASET."""
        return self.suites[-1].replace("*", self.by.upper())

    def part_of(self, suite: str) -> str | None:
        """The language or dataset in the name of a suite that matches a pattern with ``*``; None for other suites."""
        parts = suite.split("/")
        for pattern in (pattern.split("/") for pattern in self.suites if "*" in pattern):
            at = pattern.index("*")
            if len(parts) == len(pattern) and [*parts[:at], "*", *parts[at + 1 :]] == pattern:
                return parts[at]
        return None

    def covers(self, suite: str) -> bool:
        """Whether results on a suite belong on this board."""
        return suite in self.suites or self.part_of(suite) is not None


def load(folder: Path) -> tuple[BoardSpec, ...]:
    """The boards of a folder of leaderboards: ``boards/*.toml``, or those that the package ships if there is no ``boards/``.

    Raises:
        HybridBenchError: see :func:`read`.
    """
    own = folder / FOLDER
    return read(own if own.is_dir() else DEFAULTS)


def read(folder: Path) -> tuple[BoardSpec, ...]:
    """Read every ``<name>.toml`` in a folder, in the order of the boards.

    Raises:
        HybridBenchError: if there is none, one is invalid, or a suite is on two boards.
    """
    boards = sorted((_read(path) for path in folder.glob("[!.]*.toml")), key=lambda board: (board.position, board.name))
    if not boards:
        raise HybridBenchError(
            f"{folder} contains no boards", "Add a file <suite>.toml, or remove the folder to use the default boards."
        )
    _check_overlap(boards, folder)
    return tuple(boards)


def _read(path: Path) -> BoardSpec:
    try:
        fields = toml.load(path)
        if "name" in fields:
            raise HybridBenchError(f"{path} is not a valid board: name: the file name is the name", "Remove the field.")
        return BoardSpec.model_validate(fields | {"name": path.stem})
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in [".".join(map(str, first["loc"]))] if part)
        raise HybridBenchError(
            f"{path} is not a valid board: {where}{first['msg']}", "leaderboards/README.md describes the fields of a board."
        ) from error


def _check_overlap(boards: Sequence[BoardSpec], folder: Path) -> None:
    for one, other in itertools.permutations(boards, 2):
        for suite in one.suites:
            if suite in other.suites or other.covers(suite):
                raise HybridBenchError(
                    f"{folder / other.name}.toml: the suite {suite} is also on the board {one.name}",
                    "Remove it from one of them.",
                )
