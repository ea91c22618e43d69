"""Parser of submitted TREC runs: line by line, bounded by what the suite allows, in canonical order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.judged import qrels
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.results import runs as trec
from hybrid_bench.results.runs import Hit
from hybrid_bench.submissions.format import untrusted
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.untrusted import RejectedFile

if TYPE_CHECKING:
    from hybrid_bench.submissions.format.expected import SuiteData

SUFFIX = ".runs"
#: Maximum size of a packed run in bytes.
PACKED_LIMIT = 256 << 20
#: Maximum length of a line in bytes.
_LINE_LIMIT = 400
_SCORE = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")


def unpacked_limit(lines: int) -> int:
    """Maximum size in bytes of the content of a run of so many lines."""
    return (lines + 1) * _LINE_LIMIT


def settings(data: SuiteData) -> dict[Setting, dict[str, dict[str, int]]]:
    """Every setting of a suite that has queries, with the qrels of its queries."""
    found = {setting: qrels(data.suite, setting, data.judged[setting.query_set].judgements)
             for setting in data.suite.settings if setting.query_set in data.judged}  # fmt: skip
    return {setting: judged for setting, judged in found.items() if judged}


def file_names(data: SuiteData) -> dict[str, Setting]:
    """The expected file names in a folder of runs, with their settings."""
    return {trec.file_name(setting.query_set, setting.pool): setting for setting in settings(data)}


def read(
    path: Path, setting: Setting, judged: dict[str, dict[str, int]], data: SuiteData, depth: int, report: Report, file: str
) -> dict[str, list[Hit]]:
    """Parse a run and report its errors, line by line, until there are too many.

    Args:
        path: the gzipped file.
        setting: the setting of the run.
        judged: qrels of the setting's queries, in the suite's order.
        data: the suite.
        depth: retrieval depth per query.
        report: receives the findings.
        file: the name of the file in findings.

    Returns:
        Query id to hits; valid lines only.
    """
    parser = _Parser(judged, depth, _pool_ids(setting, data), report, file)
    try:
        for number, line in enumerate(_lines(path, len(judged) * depth), start=1):
            if report.full("run", file) or report.full("coverage", file):
                break
            parser.add(number, line)
    except RejectedFile as rejected:
        report.error(rejected.rule, file, rejected.message, rejected.remedy)
        return parser.run
    if missing := [query_id for query_id in judged if query_id not in parser.run]:
        report.warning(
            "coverage",
            file,
            f"{len(missing)} of {len(judged)} queries retrieve nothing and score 0, first {quoted(missing[0])}",
        )
    return parser.run


def _pool_ids(setting: Setting, data: SuiteData) -> set[str] | None:
    """The document ids of a setting's pool; None if they are too many to list."""
    if not data.pooled:
        return None
    return {doc_id for name in data.suite.pool(setting.pool) for doc_id in data.passage_ids[name]}


class _Parser:
    """Collects the hits of a run; an invalid line is reported and skipped."""

    def __init__(self, judged: Mapping[str, object], depth: int, pool: set[str] | None, report: Report, file: str) -> None:
        self.run: dict[str, list[Hit]] = {}
        self._position = {query_id: number for number, query_id in enumerate(judged)}
        self._depth = depth
        self._pool = pool
        self._report = report
        self._file = file
        self._current = -1  # position of the current query
        self._retrieved: set[str] = set()  # document ids of the current query

    def add(self, number: int, line: str) -> None:
        words = line.split(" ")
        if len(words) != 6 or words[1] != "Q0" or not words[5]:
            self._error("run", number, "expected 'query-id Q0 doc-id rank score tag', separated by single spaces")
            return
        query_id, _, doc_id, rank, score, _ = words
        if not self._select(number, query_id):
            return
        if problem := self._problem(self.run[query_id], doc_id, rank, score):
            self._error("run", number, problem)
            return
        self._retrieved.add(doc_id)
        self.run[query_id].append(Hit(doc_id, float(np.float32(score))))

    def _error(self, rule: str, number: int, message: str) -> None:
        self._report.error(rule, self._file, f"line {number}: {message}")

    def _select(self, number: int, query_id: str) -> bool:
        """Make a query the current one; False if the line has to be skipped."""
        position = self._position.get(query_id)
        if position is None:
            self._error("coverage", number, f"query {quoted(query_id)} is not a query of this setting")
            return False
        if query_id not in self.run:
            if position < self._current:
                self._error("run", number, f"query {quoted(query_id)} is not in the suite's order")
            self._current = position
            self.run[query_id], self._retrieved = [], set()
        elif position != self._current:
            self._error("run", number, f"the lines of query {quoted(query_id)} are not consecutive")
            return False
        return True

    def _problem(self, hits: list[Hit], doc_id: str, rank: str, score: str) -> str:
        """What is wrong with the next hit of the current query; empty if nothing is."""
        if rank != str(len(hits) + 1):
            return f"rank {quoted(rank)}, expected {len(hits) + 1}"
        if len(hits) >= self._depth:
            return f"a query has more than {self._depth} passages"
        if doc_id in self._retrieved:
            return f"duplicate document {quoted(doc_id)}"
        if self._pool is not None and doc_id not in self._pool:
            return f"document {quoted(doc_id)} is not in the pool"
        if not _SCORE.fullmatch(score):
            return f"the score {quoted(score)} is not a number"
        with np.errstate(over="ignore"):
            value = np.float32(score)
        if not np.isfinite(value):
            return f"the score {quoted(score)} is not a finite float32"
        if hits and (float(value), doc_id) >= (hits[-1].score, hits[-1].doc_id):
            return "not sorted: expected score descending, then document id descending"
        return ""


def _lines(path: Path, limit: int) -> Iterator[str]:
    """Decode the lines of a gzipped file, at most ``limit`` of them."""
    rest = b""
    count = 0
    for block in untrusted.unpacked(path, PACKED_LIMIT, unpacked_limit(limit)):
        *whole, rest = (rest + block).split(b"\n")
        count += len(whole)
        if count > limit:
            raise RejectedFile("size", f"more than {limit:,} lines, the number of queries times the stated depth")
        if len(rest) > _LINE_LIMIT:
            raise RejectedFile("run", f"line {count + 1} is longer than {_LINE_LIMIT} bytes")
        for line in whole:
            if len(line) > _LINE_LIMIT:
                raise RejectedFile("run", f"a line is longer than {_LINE_LIMIT} bytes")
            yield untrusted.text(line)
    if rest:
        raise RejectedFile("run", "the last line has no line feed", "The file may be truncated; pack it again.")
