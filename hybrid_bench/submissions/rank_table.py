"""The table of ranks that is handed in: a line a query, everything that the suite knows already left out.

A gzipped TSV with the columns of :data:`HEADER`. Lines are sorted by query id and then language. ``ranks`` holds, by spaces, the
rank of every relevant passage in the pool of its language, passages by ascending document id; ``ranks_all`` the same in the pool
of all languages; ``same20`` how many of the first 20 passages of all are in the query's language. Where the suite has no pool of
all, both are ``-``. A passage that was not retrieved has the rank ``-``: only where a depth is stated.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.measures.scores import SAME_LANGUAGE_DEPTH
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.submissions.finding import Report, quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.data import Relevant, SuiteData

SUFFIX = ".ranks.tsv.gz"
HEADER = ("query_id", "language", "same20", "ranks", "ranks_all")
#: The rank of what was not retrieved: so deep that it adds nothing to a measure.
UNRANKED = int(np.iinfo(np.int32).max)
#: A packed table at most; that of XQuAD-R has 0.35 MB.
PACKED_LIMIT = 16 << 20
_NONE = "-"


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
        """Whether a relevant passage has no rank."""
        return any(
            (found.rank == UNRANKED).any() or (found.rank_all == UNRANKED).any() for found in self.ranks.by_language.values()
        )

    def to_bytes(self) -> bytes:
        """The file; the same ranks give the same bytes."""
        text = "\n".join(["\t".join(HEADER), *("\t".join(line) for line in sorted(self._lines()))]) + "\n"
        return gzip.compress(text.encode(), compresslevel=9, mtime=0)

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
                    _joined(found.rank[order]),
                    _NONE if same is None else _joined(found.rank_all[order]),
                )


def _joined(ranks: NDArray[np.int32]) -> str:
    return " ".join(_NONE if rank == UNRANKED else str(rank) for rank in ranks.tolist())


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
        if report.full("coverage", file) or report.full("table", file):
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
    largest = sum(data.pool_sizes.values()) or UNRANKED - 1
    sizes = [len(pairs) for pairs in part.values()]
    columns: tuple[list[int], list[int], list[int]] = ([], [], [])
    wrong = False
    for query_id, pairs in part.items():
        same, ranks, ranks_all = cells[query_id, language]
        wanted = ((same, 1), (ranks, len(pairs)), (ranks_all, len(pairs)))
        for name, (cell, count), column in zip(HEADER[2:], wanted, columns, strict=True):
            if not data.pooled and name != "ranks":
                column += [0] * count
                if cell == _NONE:
                    continue
                problem = f"{name} is not '-', and {data.suite.name} has no pool of all languages"
            else:
                found = [_number(word, largest, unranked=depth is not None and name != "same20") for word in cell.split(" ")]
                if len(found) == count and None not in found:
                    column += [value for value in found if value is not None]
                    continue
                column += [0] * count
                problem = (
                    f"{name} has {len(found)} numbers for {count} relevant passages"
                    if len(found) != count
                    else f"{name} holds {quoted(cell.split(' ')[found.index(None)])}, which is not a rank of this suite"
                )
            wrong = True
            rule = "coverage" if "numbers for" in problem else "ranks"
            report.error(rule, file, f"query {quoted(query_id)} in {language}: {problem}")
    if wrong:
        return None
    relevant = [pair for pairs in part.values() for pair in pairs]
    query = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    # As the grid orders them: by query, then document id descending.
    order = np.concatenate([np.arange(stop - 1, stop - size - 1, -1) for stop, size in zip(np.cumsum(sizes), sizes, strict=True)])
    same20, rank, rank_all = (np.array(column, dtype=np.int32) for column in columns)
    found_ranks = LanguageRanks(
        query_ids=list(part),
        query=query,
        passage_language=np.array([relevant[at].language for at in order]),
        doc_id=[relevant[at].doc_id for at in order],
        relevance=np.array([relevant[at].relevance for at in order], dtype=np.int32),
        rank=rank[order],
        rank_all=rank_all[order],
    )
    return found_ranks, same20


@functools.lru_cache(maxsize=1 << 16)  # most ranks are small: the same words again and again
def _number(word: str, largest: int, *, unranked: bool) -> int | None:
    """A whole number as it is written without leading zeros; None if it is none, or larger than any rank can be."""
    if word == _NONE and unranked:
        return UNRANKED
    if not (word.isascii() and word.isdigit()) or len(word) > 10 or (word[0] == "0" and word != "0"):
        return None
    value = int(word)
    return value if value <= largest else None


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
    ranked, ranked_all = rank != UNRANKED, rank_all != UNRANKED
    check(rank < 1, query, "a rank is below 1")
    if depth is not None:
        check((ranked & (rank > depth)) | (ranked_all & (rank_all > depth)), query, f"a rank is deeper than {depth}")
    if data.pool_sizes:
        size = np.array([data.pool_sizes[name] for name in found.pools])[pool]
        check(ranked & (rank > size), query, "a rank is larger than the number of passages")
        others = sum(data.pool_sizes.values()) - size
        check(
            ranked & ranked_all & (rank_all - rank > others),
            query,
            "a rank among all is further down than the others can push it",
        )
    order = np.lexsort((rank, rank_all, pool, query))
    alike = (np.diff(query[order]) == 0) & (np.diff(pool[order]) == 0) & ranked[order][1:]
    check(alike & (np.diff(rank[order]) <= 0), query[order][1:], "passages of a language are not in the same order in both pools")
    if not data.pooled or same is None:
        return
    check(rank_all < rank, query, "a rank among all languages is better than the one in its own language")
    order = np.lexsort((rank_all, query))
    alike = (np.diff(query[order]) == 0) & ranked_all[order][1:]
    check(alike & (np.diff(rank_all[order]) == 0), query[order][1:], "two passages have the same rank among all")
    first = rank_all <= SAME_LANGUAGE_DEPTH
    own = found.passage_language == language
    least = np.bincount(query[first & own], minlength=len(same))
    most = SAME_LANGUAGE_DEPTH - np.bincount(query[first & ~own], minlength=len(same))
    check((same < least) | (same > most), np.arange(len(same), dtype=np.int32), "same20 cannot be true with these ranks")
