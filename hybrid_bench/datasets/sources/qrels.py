"""Qrels: three columns as BEIR has them, with or without a header, or the four of TREC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hybrid_bench.errors import HybridBenchError

#: What headers call the columns, in lower case and with hyphens.
_NAMES = {
    "query": ("query-id", "queryid", "query", "qid", "q-id", "topic", "topic-id"),
    "passage": (
        "corpus-id", "corpusid", "doc-id", "docid", "docno", "doc", "did", "document-id", "pid", "passage-id", "passage",
    ),
    "grade": ("score", "relevance", "relevance-score", "rel", "grade", "label", "judgment", "judgement"),
    "iteration": ("iteration", "iter", "q0", "0"),
}  # fmt: skip
_COLUMN = {name: column for column, names in _NAMES.items() for name in names}
#: A whole number; pandas writes ``1.0`` where a column once had a gap.
_GRADE = re.compile(r"([+-]?[0-9]{1,10})(?:\.0*)?")
_LARGEST = 2**31 - 1


class _Layout(NamedTuple):
    """Where the columns of a file are."""

    query: int
    passage: int
    grade: int
    columns: int
    tabs: bool


def read(path: Path) -> Iterator[tuple[int, tuple[str, str, int]]]:
    """(line number, (query id, passage id, grade)) of every judgement.

    Columns are separated by tabs, or by white space in a file whose first line has no tab. Nothing is quoted: a quotation mark
    is part of an id. The first line may name the columns, in any order; without it they are ``query passage grade``, or TREC's
    ``query iteration passage grade``.

    Raises:
        HybridBenchError: if the file cannot be read or is not UTF-8, or a line is not a judgement.
    """
    number = 0
    layout: _Layout | None = None
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                if layout is None:
                    layout, is_header = _layout(line)
                    if is_header:
                        continue
                yield number, _judgement(line, layout)
    except UnicodeDecodeError as error:
        raise HybridBenchError(f"{path}, after line {number}: {error}", "The file is not UTF-8.") from error
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise HybridBenchError(
            f"{path}, line {number}: expected query id, passage id and an integer, separated by tabs; found {error}",
            "A first line may name the columns: query-id, corpus-id, score. TREC's four columns are read too.",
        ) from error


def _cells(line: str, tabs: bool) -> list[str]:
    cells = line.rstrip("\r\n").split("\t") if tabs else line.split()
    while cells and not cells[-1].strip():  # a line may end in a tab
        cells.pop()
    return cells


def _layout(line: str) -> tuple[_Layout, bool]:
    """The layout that a file's first line shows, and whether the line is a header."""
    tabs = "\t" in line
    cells = _cells(line, tabs)
    found = [_COLUMN.get(cell.strip(' "').lower().replace("_", "-")) for cell in cells]
    wanted = ("query", "passage", "grade")
    if all(found.count(column) == 1 for column in wanted) and None not in found:
        query, passage, grade = (found.index(column) for column in wanted)
        return _Layout(query, passage, grade, len(cells), tabs), True
    last = len(cells) - 1
    return _Layout(0, max(last - 1, 0), last, 4 if len(cells) == 4 else 3, tabs), False


def _judgement(line: str, layout: _Layout) -> tuple[str, str, int]:
    """Raises ValueError with the line if it is not a judgement."""
    cells = _cells(line, layout.tabs)
    grade = _GRADE.fullmatch(cells[layout.grade].strip()) if len(cells) == layout.columns else None
    if grade is None or abs(int(grade[1])) > _LARGEST or not cells[layout.query] or not cells[layout.passage]:
        raise ValueError(_shown(cells))
    return cells[layout.query], cells[layout.passage], int(grade[1])


def _shown(cells: Sequence[str]) -> str:
    shown = ascii(list(cells[:5]))
    return shown if len(shown) <= 100 else f"{shown[:100]}..."
