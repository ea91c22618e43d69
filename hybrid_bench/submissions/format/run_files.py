"""TREC runs that are handed in: read line by line within the bounds that the suite sets, canonical or refused."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.judged import qrels
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.results import runs as trec
from hybrid_bench.results.runs import Hit
from hybrid_bench.submissions.format import untrusted
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.untrusted import Refused

if TYPE_CHECKING:
    from hybrid_bench.submissions.format.expected import SuiteData

SUFFIX = ".runs"
#: Bytes of a packed run at most.
PACKED_LIMIT = 256 << 20
#: Bytes of a line at most.
_LINE_LIMIT = 400
_SCORE = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?")


def settings(data: SuiteData) -> dict[Setting, dict[str, dict[str, int]]]:
    """Every setting of a suite that has queries, to the relevant passages of its queries."""
    found = {setting: qrels(data.suite, setting, data.questions[setting.query_language].judgements)
             for setting in data.suite.settings() if setting.query_language in data.questions}  # fmt: skip
    return {setting: judged for setting, judged in found.items() if judged}


def read(
    path: Path, setting: Setting, judged: dict[str, dict[str, int]], data: SuiteData, depth: int, report: Report, file: str
) -> dict[str, list[Hit]]:
    """Read a run; what is wrong with it is told, line by line until there is too much.

    Args:
        path: the gzipped file.
        setting: what was asked.
        judged: the queries that count, in the suite's order.
        data: the suite.
        depth: passages a query at most.
        report: told of every finding.
        file: what findings call it.
    """
    known = set(itertools.chain.from_iterable(
        ids for language, ids in data.passage_ids.items() if setting.pool in (ALL, language)
    )) if data.pooled else None  # fmt: skip
    order = {query_id: number for number, query_id in enumerate(judged)}
    run: dict[str, list[Hit]] = {}
    seen: set[str] = set()
    at = -1
    try:
        for number, line in enumerate(_lines(path, len(judged) * depth), start=1):
            if report.full("run", file) or report.full("coverage", file):
                break
            words = line.split(" ")
            if len(words) != 6 or words[1] != "Q0" or not words[5]:
                report.error("run", file, f"line {number} is not: query id, Q0, document id, rank, score, tag (by single spaces)")
                continue
            query_id, _, doc_id, rank, score, _ = words
            if query_id not in order:
                report.error("coverage", file, f"line {number}: query {quoted(query_id)} does not count in this setting")
                continue
            if query_id not in run:
                if order[query_id] < at:
                    report.error("run", file, f"line {number}: query {quoted(query_id)} is not in the suite's order")
                at = order[query_id]
                run[query_id], seen = [], set()
            elif order[query_id] != at:
                report.error("run", file, f"line {number}: the lines of query {quoted(query_id)} do not stand together")
                continue
            problem = _problem(run[query_id], seen, doc_id, rank, score, depth, known)
            if problem:
                report.error("run", file, f"line {number}: {problem}")
                continue
            seen.add(doc_id)
            run[query_id].append(Hit(doc_id, float(np.float32(score))))
    except Refused as refused:
        report.error(refused.rule, file, refused.message, refused.remedy)
        return run
    if missing := [query_id for query_id in judged if query_id not in run]:
        report.warning(
            "coverage",
            file,
            f"{len(missing)} of {len(judged)} queries found nothing and count with 0, first {quoted(missing[0])}",
        )
    return run


def _problem(hits: list[Hit], seen: set[str], doc_id: str, rank: str, score: str, depth: int, known: set[str] | None) -> str:
    if rank != str(len(hits) + 1):
        return f"the rank is {quoted(rank)}, not {len(hits) + 1}"
    if len(hits) >= depth:
        return f"a query has more than {depth} passages"
    if doc_id in seen:
        return f"document {quoted(doc_id)} is there twice"
    if known is not None and doc_id not in known:
        return f"document {quoted(doc_id)} is not in the pool"
    if not _SCORE.fullmatch(score):
        return f"the score {quoted(score)} is not a number"
    with np.errstate(over="ignore"):
        value = np.float32(score)
    if not np.isfinite(value):
        return f"the score {quoted(score)} is not a finite float32"
    if hits and (float(value), doc_id) >= (hits[-1].score, hits[-1].doc_id):
        return "it does not sort after the line above: by score descending, then document id descending"
    return ""


def _lines(path: Path, most: int) -> Iterator[str]:
    """The lines of a packed file, decoded; at most so many."""
    rest = b""
    count = 0
    for block in untrusted.unpacked(path, PACKED_LIMIT, (most + 1) * _LINE_LIMIT):
        *whole, rest = (rest + block).split(b"\n")
        count += len(whole)
        if count > most:
            raise Refused("size", f"it has more than {most:,} lines: so many its queries have at the depth that is stated")
        if len(rest) > _LINE_LIMIT:
            raise Refused("run", f"line {count + 1} is longer than {_LINE_LIMIT} bytes")
        for line in whole:
            if len(line) > _LINE_LIMIT:
                raise Refused("run", f"a line is longer than {_LINE_LIMIT} bytes")
            yield untrusted.text(line)
    if rest:
        raise Refused("run", "its last line does not end with a line feed", "Is it whole?")


def file_names(data: SuiteData) -> dict[str, Setting]:
    """The names of the files in a folder of runs."""
    return {trec.file_name(setting): setting for setting in settings(data)}
