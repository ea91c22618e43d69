"""JSON lines: a row a line, in the shape of a parallel table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.atomic import write
from hybrid_bench.training.data.readers.reading import Reading, text_of
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


def read(source: str, path: Path) -> Reading:
    """Read lines such as ``{"id": "1", "question": {"en": "...", "de": "..."}, "sentence": {"de": "..."}}``.

    ``context`` (the paragraph, by language), ``article`` and ``source`` (by default: ``source``) may be there too.

    Raises:
        HybridBenchError: on a line in another shape; it is named.
    """
    reading = Reading([])
    for number, text in enumerate(text_of(path).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            line = _Line.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise HybridBenchError(
                f"{path}, line {number}: {where + ': ' if where else ''}{first['msg']}",
                'A line is {"id": "...", "question": {"en": "..."}, "sentence": {"en": "..."}} and what else a row holds.',
            ) from error
        reading.rows.append(
            ParallelRow(line.id, line.source or source, line.article, line.question, line.sentence, line.context, line.translator)
        )
    return reading


def save(table: ParallelTable, path: Path) -> None:
    """Write a table as JSON lines that :func:`read` reads; languages in order, so that equal tables give equal bytes."""
    lines = [json.dumps({name: value for name, value in vars(row).items() if value}, ensure_ascii=False) for row in table.rows()]
    write(path, "".join(f"{line}\n" for line in lines).encode())
