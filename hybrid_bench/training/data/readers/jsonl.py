"""JSON lines: one row of a parallel table per line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.atomic import write
from hybrid_bench.training.data.readers.reading import ReadResult, read_text
from hybrid_bench.training.data.table import ParallelRow, ParallelTable

_Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
_ByLanguage = dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")], _Text]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: _Text
    source: str = ""
    article: str = ""
    question: _ByLanguage = {}
    sentence: _ByLanguage = {}
    context: _ByLanguage = {}
    translator: _ByLanguage = {}


def read(source: str, path: Path) -> ReadResult:
    """Read lines such as ``{"id": "1", "question": {"en": "...", "de": "..."}, "sentence": {"de": "..."}}``.

    ``context`` (the paragraph, by language), ``article``, ``translator`` and ``source`` (default: the argument) are optional.

    Raises:
        HybridBenchError: if a line has another format; the message names the line.
    """
    reading = ReadResult([])
    for number, text in enumerate(read_text(path).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            line = _Line.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise HybridBenchError(
                f"{path}, line {number}: {where + ': ' if where else ''}{first['msg']}",
                'The format is {"id": "...", "question": {"en": "..."}, "sentence": {"en": "..."}} with optional fields.',
            ) from error
        reading.rows.append(
            ParallelRow(line.id, line.source or source, line.article, line.question, line.sentence, line.context, line.translator)
        )
    return reading


def save(table: ParallelTable, path: Path) -> None:
    """Write a table in the format that :func:`read` reads. Equal tables give equal bytes."""
    lines = [json.dumps({name: value for name, value in vars(row).items() if value}, ensure_ascii=False) for row in table.rows()]
    write(path, "".join(f"{line}\n" for line in lines).encode())
