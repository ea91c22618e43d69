"""The lines of a TREC run, and the forms of other programs that are read as well and noted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from hybrid_bench.errors import HybridBenchError

Form = Literal["ranks", "unsorted", "no tag", "blank"]
#: How forms are noted. trec_eval looks at scores alone, whatever the ranks say.
_NOTES: dict[Form, str] = {
    "ranks": "its ranks do not rise (in {count:,} lines): passages are ordered by score, as trec_eval does",
    "unsorted": (
        "{count:,} of its lines have a higher score than the line before: passages are ordered by score, highest first, as "
        "trec_eval does; if lower scores are better, negate them"
    ),
    "no tag": "{count:,} of its lines have no tag",
    "blank": "{count:,} of its lines are blank",
}
_LARGEST = float(np.finfo(np.float32).max)


class Line(NamedTuple):
    """A passage that was found."""

    query_id: str
    doc_id: str
    rank: int
    score: float


class LineReader:
    """Parses the lines of a run and counts the forms that are accepted.

    Args:
        path: of the run, for errors and notes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count: Counter[Form] = Counter()
        self._last: dict[str, Line] = {}

    def read(self, text: str, number: int) -> Line | None:
        """The fields of a line; None if it is blank.

        Raises:
            HybridBenchError: if it is malformed.
        """
        words = text.removeprefix("\ufeff").split()  # files with a byte order mark may have been joined
        if not words:
            self._count["blank"] += 1
            return None
        if len(words) == 5 and words[1].upper() == "Q0":
            self._count["no tag"] += 1
            words.append("")
        try:
            query_id, _, doc_id, rank, score, _ = words
            line = Line(query_id, doc_id, int(rank), float(score))
        except ValueError:
            line = None
        if line is None or not (rank + score).isascii() or "_" in rank + score or "\0" in text:
            raise self._error(number, "expected query id, Q0, document id, rank, score and tag", "Correct the line.")
        if not abs(line.score) <= _LARGEST:
            raise self._error(number, f"the score {score} is not a finite number, or not in float32", "Correct the line.")
        self._compare(line)
        return line

    def twice(self, number: int, line: Line) -> HybridBenchError:
        """The error for a document that a query has found before."""
        return self._error(number, f"document {line.doc_id!r} occurs twice for query {line.query_id!r}", "Keep its best line.")

    def notes(self) -> list[str]:
        """What is unlike a run that this program writes."""
        found = [(text, self._count[form]) for form, text in _NOTES.items() if self._count[form]]
        return [f"The run {self._path.name}: {text.format(count=count)}." for text, count in found]

    def _compare(self, line: Line) -> None:
        before = self._last.get(line.query_id)
        if before is not None:
            self._count["ranks"] += line.rank <= before.rank
            self._count["unsorted"] += line.score > before.score and bool(np.float32(line.score) > np.float32(before.score))
        self._last[line.query_id] = line

    def _error(self, number: int, problem: str, remedy: str) -> HybridBenchError:
        return HybridBenchError(f"{self._path}, line {number}: {problem}", remedy)
