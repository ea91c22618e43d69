"""The table of ranks that is handed in: a line a query, everything that the suite knows already left out.

A gzipped TSV with the columns of :data:`HEADER`. Lines are sorted by query id and then language. ``ranks`` holds, by spaces, the
rank of every relevant passage in the pool of its language, passages by ascending document id; ``ranks_all`` the same in the pool
of all languages; ``same20`` how many of the first 20 passages of all are in the query's language. Where the suite has no pool of
all, both are ``-``. A passage that was not retrieved has the rank ``-``: only where a depth is stated.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.measures.scores import SAME_LANGUAGE_DEPTH
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.submissions.format.findings import Report, quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.expected import Relevant, SuiteData

SUFFIX = ".ranks.tsv.gz"
HEADER = ("query_id", "language", "same20", "ranks", "ranks_all")
#: A packed table at most; that of XQuAD-R has 0.35 MB.
PACKED_LIMIT = 16 << 20
_NONE = "-"
#: What stands for ``-`` while numbers are read; no file can say it.
_MISSING = -1
#: Numbers by single spaces as they are written without leading zeros, and ``-``.
_NUMBERS = re.compile(r"(?:[1-9][0-9]{0,9}|0|-)(?: (?:[1-9][0-9]{0,9}|0|-))*", re.ASCII)


@dataclass(frozen=True)
class RankTable:
    """Ranks of all relevant passages, and the language of what was found.

    Attributes:
        ranks: pairs by query and descending document id, as an evaluation has them.
        same_language: query language to (queries,) passages of that language among the first 20 of all.
    """

    ranks: Ranks
    same_language: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)

    def cut(self) -> bool:
        """Whether a relevant passage was not found."""
        return any(of.found is not None or of.found_all is not None for of in self.ranks.by_language.values())

    def to_bytes(self) -> bytes:
        """The file; the same ranks give the same bytes."""
        return gzip.compress(self.text().encode(), compresslevel=9, mtime=0)

    def text(self) -> str:
        """The unpacked file."""
        return "\n".join(["\t".join(HEADER), *("\t".join(line) for line in sorted(self._lines()))]) + "\n"

    def _lines(self) -> Iterator[tuple[str, ...]]:
        for language, found in self.ranks.by_language.items():
            first = np.searchsorted(found.query, np.arange(len(found.query_ids) + 1))
            same = self.same_language.get(language)
            for number, query_id in enumerate(found.query_ids):
                pairs = slice(first[number], first[number + 1])
                order = sorted(range(pairs.start, pairs.stop), key=found.doc_id.__getitem__)
                yield (
                    query_id,
                    language,
                    _NONE if same is None else str(same[number]),
                    _joined(found.rank, found.found, order),
                    _NONE if same is None else _joined(found.rank_all, found.found_all, order),
                )


def _joined(ranks: NDArray[np.int32], found: NDArray[np.bool_] | None, order: list[int]) -> str:
    return " ".join(_NONE if found is not None and not found[at] else str(ranks[at]) for at in order)


@functools.lru_cache(maxsize=8)
def unpacked_limit(data: SuiteData) -> int:
    """Bytes that a table of a suite cannot exceed."""
    lines = (
        len(query_id.encode()) + 32 + 2 * 10 * len(pairs) for part in data.relevant.values() for query_id, pairs in part.items()
    )
    return 1024 + sum(lines)


def parse(text: str, data: SuiteData, depth: int | None, report: Report, file: str) -> RankTable | None:
    """Read a table and check everything that can be known of it without the vectors.

    Args:
        text: the unpacked file.
        data: what the suite expects.
        depth: passages a query that were retrieved at most; None: all.
        report: told of every finding.
        file: what findings call it.

    Returns:
        The table; None if there was an error.
    """
    if not text.endswith("\n") or "\r" in text:
        report.error("table", file, "its lines do not end with a line feed each", "Is it whole? Write it with \\n.")
        return None
    head, *lines = text[:-1].split("\n")
    if tuple(head.split("\t")) != HEADER:
        report.error("table", file, f"its header is not: {' '.join(HEADER)} (by tabs)")
        return None
    cells = _cells(lines, data, report, file)
    if cells is None:
        return None
    by_language, same_language = {}, {}
    for language, part in data.relevant.items():
        numbers = _numbers(language, part, cells, data, depth, report, file)
        if numbers is not None:
            by_language[language], same = numbers
            if data.pooled:
                same_language[language] = same
    if len(by_language) < len(data.relevant):
        return None
    for language, found in by_language.items():
        _possible(language, found, same_language.get(language), data, depth, report, file)
    return RankTable(Ranks(by_language), same_language)


def _cells(lines: list[str], data: SuiteData, report: Report, file: str) -> dict[tuple[str, str], list[str]] | None:
    """(query id, language) to the other columns of its line; None if a query is missing, unknown or there twice."""
    cells: dict[tuple[str, str], list[str]] = {}
    before = ("", "")
    wrong = False
    for number, line in enumerate(lines, start=2):
        row = line.split("\t")
        if len(row) != len(HEADER):
            report.error("table", file, f"line {number} has {len(row)} columns, not {len(HEADER)}")
            wrong = True
            continue
        query_id, language, *rest = row
        key = (query_id, language)
        if query_id not in data.relevant.get(language, ()):
            report.error(
                "coverage", file, f"line {number}: {data.suite.name} has no query {quoted(query_id)} in {quoted(language)}"
            )
            wrong = True
        elif key in cells:
            report.error("coverage", file, f"line {number}: query {quoted(query_id)} in {language} is there twice")
            wrong = True
        elif key <= before:
            report.error("table", file, f"line {number} is not in order", "Sort the lines by query id, then language.")
            wrong = True
        cells[key] = rest
        before = key
        if wrong and (report.full("coverage", file) or report.full("table", file)):
            return None
    for language, part in data.relevant.items():
        missing = [query_id for query_id in part if (query_id, language) not in cells]
        if missing:
            report.error("coverage", file, f"{len(missing)} queries in {language} are missing, first {quoted(missing[0])}")
            wrong = True
    return None if wrong else cells


def _numbers(
    language: str,
    part: Mapping[str, list[Relevant]],
    cells: Mapping[tuple[str, str], list[str]],
    data: SuiteData,
    depth: int | None,
    report: Report,
    file: str,
) -> tuple[LanguageRanks, NDArray[np.int32]] | None:
    """The ranks of a language's queries, as whole numbers."""
    largest = sum(data.pool_sizes.values()) or int(np.iinfo(np.int32).max) - 1
    rows = [cells[query_id, language] for query_id in part]
    sizes = [len(pairs) for pairs in part.values()]
    columns: list[NDArray[np.int64]] = []
    wrong = False
    for column, name in enumerate(HEADER[2:]):
        words = [row[column] for row in rows]
        counts = [1] * len(rows) if name == "same20" else sizes
        if not data.pooled and name != "ranks":
            bad = [at for at, word in enumerate(words) if word != _NONE]
            problems = [f"{name} is not '-', and {data.suite.name} has no pool of all languages" for _ in bad]
            columns.append(np.zeros(sum(counts), dtype=np.int64))
        else:
            cut = depth is not None and name != "same20"
            numbers = _read(words, counts, largest, cut=cut)
            if numbers is not None:
                columns.append(numbers)
                continue
            bad = [at for at, word in enumerate(words) if _read([word], [counts[at]], largest, cut=cut) is None]
            problems = [_problem(name, words[at], counts[at], largest, cut=cut) for at in bad]
        for at, problem in zip(bad, problems, strict=True):
            wrong = True
            if report.full("coverage", file) or report.full("ranks", file):
                break
            rule = "coverage" if "numbers for" in problem else "ranks"
            report.error(rule, file, f"query {quoted(list(part)[at])} in {language}: {problem}")
    if wrong:
        return None
    empty = data.unranked[language]
    # Cells name passages by ascending document id, the grid by descending.
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    order = 2 * starts + np.repeat(sizes, sizes) - 1 - np.arange(len(empty.query))
    same20, own, everywhere = columns
    rank, found = _behind(own[order], depth)
    rank_all, found_all = _behind(everywhere[order], depth)
    return dataclasses.replace(empty, rank=rank, rank_all=rank_all, found=found, found_all=found_all), same20.astype(np.int32)


def _behind(rank: NDArray[np.int64], depth: int | None) -> tuple[NDArray[np.int32], NDArray[np.bool_] | None]:
    """Ranks, and which of them are of what was found: the others are behind the depth."""
    found = rank != _MISSING
    if depth is None or found.all():
        return rank.astype(np.int32), None
    return np.where(found, rank, depth + 1).astype(np.int32), found


def _read(words: list[str], counts: list[int], largest: int, *, cut: bool) -> NDArray[np.int64] | None:
    """The numbers of many cells at once; None if one of them has another count of numbers, or one that is no rank here."""
    text = " ".join(words)
    if [word.count(" ") + 1 for word in words] != counts or not _NUMBERS.fullmatch(text) or (_NONE in text and not cut):
        return None
    found = np.fromstring(text.replace(_NONE, str(_MISSING)), dtype=np.int64, sep=" ")
    return found if not (found > largest).any() else None


def _problem(name: str, cell: str, count: int, largest: int, *, cut: bool) -> str:
    """What is wrong with a cell."""
    words = cell.split(" ")
    if len(words) != count:
        return f"{name} has {len(words)} numbers for {count} relevant passages"
    wrong = next(word for word in words if _read([word], [1], largest, cut=cut) is None)
    return f"{name} holds {quoted(wrong)}, which is not a rank of this suite"


def _possible(
    language: str,
    found: LanguageRanks,
    same: NDArray[np.int32] | None,
    data: SuiteData,
    depth: int | None,
    report: Report,
    file: str,
) -> None:
    """Whether the ranks of a language's queries can be true together."""

    def check(bad: NDArray[np.bool_], query: NDArray[np.int32], message: str) -> None:
        for at in np.flatnonzero(bad).tolist():
            if not report.full("ranks", file):
                report.error("ranks", file, f"query {quoted(found.query_ids[query[at]])} in {language}: {message}")

    rank, rank_all, query, pool = found.rank, found.rank_all, found.query, found.pool
    everything = np.ones(len(query), dtype=bool)
    ranked = everything if found.found is None else found.found
    ranked_all = everything if found.found_all is None else found.found_all
    check(ranked & (rank < 1), query, "a rank is below 1")
    check(_alike(ranked, query, pool, rank), query, "two passages of a language have the same rank")
    if data.pool_sizes:
        size = np.array([data.pool_sizes[name] for name in found.pools])[pool]
        check(ranked & (rank > size), query, "a rank is larger than the number of passages")
    if depth is not None:
        check((ranked & (rank > depth)) | (ranked_all & (rank_all > depth)), query, f"a rank is deeper than {depth}")
    if not data.pooled or same is None:
        return
    check(ranked_all & (rank_all < 1), query, "a rank is below 1")
    check(_alike(ranked_all, query, rank_all), query, "two passages have the same rank among all")
    if depth is None:  # what is cut may be of a searcher whose scores depend on the pool, as those of BM25 do
        others = sum(data.pool_sizes.values()) - size
        check(rank_all < rank, query, "a rank among all languages is better than the one in its own language")
        check(rank_all - rank > others, query, "a rank among all is further down than the others can push it")
        order = np.lexsort((rank, rank_all, pool, query))
        alike = (np.diff(query[order]) == 0) & (np.diff(pool[order]) == 0)
        wrong = alike & (np.diff(rank[order]) <= 0)
        check(wrong, query[order][1:], "passages of a language are not in the same order in both pools")
    first = ranked_all & (rank_all <= SAME_LANGUAGE_DEPTH)
    own = found.passage_language == language
    least = np.bincount(query[first & own], minlength=len(same))
    most = SAME_LANGUAGE_DEPTH - np.bincount(query[first & ~own], minlength=len(same))
    check((same < least) | (same > most), np.arange(len(same), dtype=np.int32), "same20 cannot be true with these ranks")


def _alike(ranked: NDArray[np.bool_], *keys: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """(pairs,) which of what was found has the same keys as another."""
    order = np.lexsort(keys[::-1])
    order = order[ranked[order]]
    same = np.ones(len(order) - 1 if len(order) else 0, dtype=bool)
    for key in keys:
        same &= np.diff(key[order]) == 0
    found = np.zeros(len(ranked), dtype=bool)
    found[order[1:][same]] = True
    return found
