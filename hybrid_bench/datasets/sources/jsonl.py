"""The corpus and the queries of a collection in BEIR's layout: one JSON object a line, gzipped or not."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from hybrid_bench.datasets.sources.records import Question, TextPassage
from hybrid_bench.datasets.trec_ids import problem_of
from hybrid_bench.errors import HybridBenchError


def passages(path: Path) -> Iterator[TextPassage]:
    """The passages of a corpus; one without a text (``""`` or ``null``) is a passage too.

    Raises:
        HybridBenchError: that names the file and line of the first record that is malformed or has the id of another.
    """
    for _, record_id, fields in _records(path):
        yield TextPassage(record_id, fields.get("title") or "", fields["text"] or "")


def queries(path: Path) -> Iterator[Question]:
    """The queries of a file.

    Raises:
        HybridBenchError: as by :func:`passages`, and if a query has no text.
    """
    for number, record_id, fields in _records(path):
        if not (fields["text"] or "").strip():
            raise HybridBenchError(
                f"{path}, line {number}: the record with id {record_id!r} has no text", "Add its text or remove the record."
            )
        yield Question(record_id, fields["text"])


def _records(path: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(line number, id, fields) of every record; ids are unique."""
    line_of: dict[str, int] = {}
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        fields = _fields(line, where)
        record_id = str(fields["_id"])
        what = f"{where}: the record with id {record_id[:100]!r}"
        if problem := problem_of(record_id):
            raise HybridBenchError(f"{what}: {problem}", "Give the record another id, here and in the qrels.")
        if any("\x00" in (fields.get(field) or "") for field in ("title", "text")):
            raise HybridBenchError(f"{what} contains a NUL byte", "Remove it from the line.")
        if line_of.setdefault(record_id, number) != number:
            raise HybridBenchError(f"{what} occurs twice, first in line {line_of[record_id]}", "Give every record its own id.")
        yield number, record_id, fields


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of every line that is not blank."""
    number = 0
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line
    except (UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
        raise HybridBenchError(f"{path}, after line {number}: {error}", "The file is truncated, or not UTF-8.") from error


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig"))
    return path.open(encoding="utf-8-sig")


def _fields(line: str, where: str) -> dict[str, Any]:
    """The fields of a record: an id that is a text or an integer, and a text; title and text may be null."""
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise HybridBenchError(f"{where}: not JSON: {error.msg} at column {error.colno}", "Correct the line.") from error
    except (ValueError, RecursionError) as error:
        raise HybridBenchError(f"{where}: not JSON that can be read: {error}", "Correct the line.") from error
    if not isinstance(fields, dict):
        raise HybridBenchError(f"{where}: not a JSON object", 'A line is {"_id": ..., "title": ..., "text": ...}.')
    found = fields.get("_id")
    if not isinstance(found, str | int) or isinstance(found, bool):
        raise HybridBenchError(f"{where}: no id in field '_id', which has to be a text or an integer", "Correct the line.")
    for field in ("title", "text"):
        if not isinstance(fields.get(field, None if field == "title" else 0), str | None):
            raise HybridBenchError(f"{where}: no text in field {field!r}", "Correct the line.")
    return fields
