"""Parser of rank tables: structure, coverage and cell syntax; :mod:`rank_consistency` checks the ranks themselves."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_bench.datasets.settings import ALL
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from hybrid_bench.submissions.format import rank_consistency
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.rank_table import HEADER, NONE, RankTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.expected import Relevant, SuiteData

#: Stands for ``-`` while numbers are parsed; no cell can contain it.
_MISSING = -1
#: Integers without leading zeros, or ``-``, separated by single spaces.
_NUMBERS = re.compile(r"(?:[1-9][0-9]{0,9}|0|-)(?: (?:[1-9][0-9]{0,9}|0|-))*", re.ASCII)

#: (query id, language) to the cells of the columns after those two.
_Cells = Mapping[tuple[str, str], list[str]]


def parse(
    text: str, data: SuiteData, depth: int | None, report: Report, file: str, *, pool_dependent: bool = False
) -> RankTable | None:
    """Parse a rank table and check everything that can be checked without the vectors.

    Args:
        text: the unpacked content.
        data: what the suite expects.
        depth: retrieval depth per query; None if the whole pool was ranked.
        report: receives the findings.
        file: the name of the file in findings.
        pool_dependent: whether the score of a passage may depend on the pool, see :func:`rank_consistency.check`.

    Returns:
        The table; None if it could not be parsed. Inconsistent ranks are reported, but the table is returned.
    """
    return _Parser(data, depth, report, file, pool_dependent).parse(text)


class _Problem(NamedTuple):
    """An invalid cell: its row, the violated rule and the message."""

    row: int
    rule: str
    message: str


class _Parser:
    """Parses the table of one suite; the arguments are those of :func:`parse`."""

    def __init__(self, data: SuiteData, depth: int | None, report: Report, file: str, pool_dependent: bool) -> None:
        self._pool_dependent = pool_dependent
        self._data = data
        self._depth = depth
        self._report = report
        self._file = file
        self._largest = sum(data.pool_sizes.values()) or int(np.iinfo(np.int32).max) - 1

    def parse(self, text: str) -> RankTable | None:
        if not text.endswith("\n") or "\r" in text:
            self._error("table", "lines must end with a line feed (\\n)", "The file may be truncated; pack it again.")
            return None
        head, *lines = text[:-1].split("\n")
        if tuple(head.split("\t")) != HEADER:
            self._error("table", f"the header must be, tab-separated: {' '.join(HEADER)}")
            return None
        cells = self._cells(lines)
        if cells is None:
            return None
        by_language: dict[str, QuerySetRanks] = {}
        same_group: dict[str, NDArray[np.int32]] = {}
        for language in self._data.relevant:
            if (numbers := self._numbers(language, cells)) is not None:
                by_language[language], same = numbers
                if self._data.has_own(language):
                    same_group[language] = same
        if len(by_language) < len(self._data.relevant):
            return None
        for language, found in by_language.items():
            rank_consistency.check(
                language,
                found,
                same_group.get(language),
                self._data,
                self._depth,
                self._report,
                self._file,
                pool_dependent=self._pool_dependent,
            )
        return RankTable(Ranks(by_language), same_group, self._data.attribute)

    def _error(self, rule: str, message: str, remedy: str = "") -> None:
        self._report.error(rule, self._file, message, remedy)

    def _cells(self, lines: list[str]) -> _Cells | None:
        """Split the lines into cells; None if a query is missing, unknown, duplicated or out of order."""
        cells: dict[tuple[str, str], list[str]] = {}
        previous = ("", "")
        failed = False
        for number, line in enumerate(lines, start=2):
            query_id, _, rest = line.partition("\t")
            language, *columns = rest.split("\t")
            key = (query_id, language)
            problem = self._line_problem(line, key, cells, previous)
            if problem is not None:
                rule, message, remedy = problem
                self._error(rule, f"line {number}{message}", remedy)
                failed = True
            if len(columns) == len(HEADER) - 2:
                cells[key] = columns
                previous = key
            if failed and (self._report.full("coverage", self._file) or self._report.full("table", self._file)):
                return None
        return None if self._report_missing(cells) or failed else cells

    def _line_problem(
        self, line: str, key: tuple[str, str], cells: _Cells, previous: tuple[str, str]
    ) -> tuple[str, str, str] | None:
        """(rule, end of the message, remedy) of an invalid line; None if the line is valid."""
        query_id, language = key
        columns = line.count("\t") + 1
        if columns != len(HEADER):
            return "table", f" has {columns} columns, expected {len(HEADER)}", ""
        if query_id not in self._data.relevant.get(language, ()):
            return "coverage", f": {self._data.suite.name} has no query {quoted(query_id)} in {quoted(language)}", ""
        if key in cells:
            return "coverage", f": duplicate query {quoted(query_id)} in {language}", ""
        if key <= previous:
            return "table", " is out of order", "Sort the lines by query id, then language."
        return None

    def _report_missing(self, cells: _Cells) -> bool:
        """Report queries without a line; returns whether there are any."""
        failed = False
        for language, part in self._data.relevant.items():
            if missing := [query_id for query_id in part if (query_id, language) not in cells]:
                self._error("coverage", f"{len(missing)} queries in {language} are missing, first {quoted(missing[0])}")
                failed = True
        return failed

    def _numbers(self, language: str, cells: _Cells) -> tuple[QuerySetRanks, NDArray[np.int32]] | None:
        """The ranks of a language's queries, and (queries,) ``same20``; None if a cell is invalid."""
        part = self._data.relevant[language]
        columns = [
            self._column(name, language, [cells[query_id, language][at] for query_id in part], part)
            for at, name in enumerate(HEADER[2:])
        ]
        query_ids = list(part)
        for problem in (problem for _, problems in columns for problem in problems):
            if self._report.full("coverage", self._file) or self._report.full("ranks", self._file):
                break
            self._error(problem.rule, f"query {quoted(query_ids[problem.row])} in {language}: {problem.message}")
        if any(problems for _, problems in columns):
            return None
        same20, own, everywhere = (numbers for numbers, _ in columns)
        expected = self._data.unranked[language]
        order = _descending([len(passages) for passages in part.values()])
        rank, found = _split_missing(own[order], self._depth)
        rank_all, found_all = _split_missing(everywhere[order], self._depth)
        on_all = language in self._data.on_all
        in_pools = {ALL: rank_all} if on_all else {}
        found_in = {ALL: found_all} if on_all and found_all is not None else {}
        ranks = dataclasses.replace(expected, rank=rank, rank_in=in_pools, found=found, found_in=found_in)
        return ranks, same20.astype(np.int32)

    def _lacks(self, language: str) -> str:
        """Why a column has no numbers."""
        if not self._data.pooled:
            return "has no pool of all collections"
        return (
            f"asks {language} on no pool of all"
            if language not in self._data.on_all
            else f"has no {self._data.attribute} of {language}"
        )

    def _column(
        self, name: str, language: str, words: list[str], part: Mapping[str, list[Relevant]]
    ) -> tuple[NDArray[np.int64], list[_Problem]]:
        """(numbers of all rows, invalid cells) of a column; the numbers are empty if a cell is invalid."""
        counts = [1] * len(words) if name == "same20" else [len(passages) for passages in part.values()]
        stated = {"ranks": True, "same20": self._data.has_own(language), "ranks_all": language in self._data.on_all}[name]
        if not stated:
            message = f"{name} must be '-': {self._data.suite.name} {self._lacks(language)}"
            problems = [_Problem(row, "ranks", message) for row, word in enumerate(words) if word != NONE]
            return np.zeros(sum(counts), dtype=np.int64), problems
        cut = self._depth is not None and name != "same20"
        numbers = _integers(words, counts, self._largest, cut=cut)
        if numbers is not None:
            return numbers, []
        return np.zeros(0, dtype=np.int64), list(_problems(name, words, counts, self._largest, cut=cut))


def _integers(words: list[str], counts: list[int], largest: int, *, cut: bool) -> NDArray[np.int64] | None:
    """The numbers of many cells at once; None if a cell has a wrong number of ranks or an invalid rank."""
    text = " ".join(words)
    if [word.count(" ") + 1 for word in words] != counts or not _NUMBERS.fullmatch(text) or (NONE in text and not cut):
        return None
    found = np.fromstring(text.replace(NONE, str(_MISSING)), dtype=np.int64, sep=" ")
    return found if not (found > largest).any() else None


def _problems(name: str, words: list[str], counts: list[int], largest: int, *, cut: bool) -> Iterator[_Problem]:
    """The invalid cells of a column."""
    for row, (word, count) in enumerate(zip(words, counts, strict=True)):
        if _integers([word], [count], largest, cut=cut) is not None:
            continue
        parts = word.split(" ")
        if len(parts) != count:
            yield _Problem(row, "coverage", f"{name} has {len(parts)} numbers for {count} relevant passages")
        else:
            wrong = next(part for part in parts if _integers([part], [1], largest, cut=cut) is None)
            yield _Problem(row, "ranks", f"{name} contains {quoted(wrong)}, which is not a valid rank in this suite")


def _descending(sizes: list[int]) -> NDArray[np.int64]:
    """Indices that reverse each query's passages: cells list them by ascending document id, :class:`Ranks` by descending."""
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    order: NDArray[np.int64] = 2 * starts + np.repeat(sizes, sizes) - 1 - np.arange(sum(sizes))
    return order


def _split_missing(rank: NDArray[np.int64], depth: int | None) -> tuple[NDArray[np.int32], NDArray[np.bool_] | None]:
    """Ranks, with ``depth + 1`` for passages that were not retrieved, and a mask of those retrieved; None if all were."""
    found = rank != _MISSING
    if depth is None or found.all():
        return rank.astype(np.int32), None
    return np.where(found, rank, depth + 1).astype(np.int32), found
