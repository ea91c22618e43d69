"""The exact ranks of the relevant passages: what stands for a run where a run would be too large."""

from __future__ import annotations

import csv
import functools
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADER = ("query_language", "query_id", "passage_language", "doc_id", "relevance", "rank", "rank_all")
#: More columns where not every passage was found.
_FOUND = ("found", "found_all")


@dataclass(frozen=True)
class LanguageRanks:
    """The relevant passages of the queries of one language, and where they were ranked.

    Attributes:
        query_ids: the queries that have a relevant passage in the suite.
        query: (pairs,) index into ``query_ids``, ascending.
        passage_language: (pairs,) whose pool the passage is in.
        doc_id: (pairs,) the passage.
        relevance: (pairs,) its grade, 1 or more.
        rank: (pairs,) its rank in the pool of its language, from 1.
        rank_all: (pairs,) its rank in the pool of all languages, from 1; 0 where the suite has no such pool.
        found: (pairs,) for a searcher that does not rank all passages: whether it found the passage in the pool of its
            language. One that it did not find stands behind all that it did; it has a rank, and no measure counts it as
            retrieved. None if everything was found.
        found_all: (pairs,) the same in the pool of all languages.
    """

    query_ids: Sequence[str]
    query: NDArray[np.int32]
    passage_language: NDArray[np.str_]
    doc_id: Sequence[str]
    relevance: NDArray[np.int32]
    rank: NDArray[np.int32]
    rank_all: NDArray[np.int32]
    found: NDArray[np.bool_] | None = None
    found_all: NDArray[np.bool_] | None = None

    @functools.cached_property
    def pools(self) -> tuple[str, ...]:
        """The languages that relevant passages are in, sorted."""
        return tuple(sorted(set(self.passage_language.tolist())))

    @functools.cached_property
    def pool(self) -> NDArray[np.int64]:
        """(pairs,) index into :attr:`pools`."""
        import numpy as np

        index = np.zeros(len(self.query), dtype=np.int64)
        for number, language in enumerate(self.pools):
            index[self.passage_language == language] = number
        return index

    def spans_languages(self) -> bool:
        """Whether a query can have relevant passages in several languages of one pool."""
        return len(self.pools) > 1 and bool(self.rank_all.any())


@dataclass(frozen=True)
class Ranks:
    """Query language to the ranks of its relevant passages."""

    by_language: Mapping[str, LanguageRanks]

    def inside(self, query_language: str, pool: str) -> NDArray[np.bool_]:
        """(pairs,) which relevant passages of a language's queries are in a pool; none if the language has no queries."""
        import numpy as np

        found = self.by_language.get(query_language)
        if found is None:
            return np.zeros(0, dtype=bool)
        return np.ones(len(found.query), dtype=bool) if pool == "all" else found.passage_language == pool

    def query_ids(self, query_language: str, pool: str) -> list[str]:
        """The queries of a language that have a relevant passage in a pool: those that count there."""
        import numpy as np

        inside = self.inside(query_language, pool)
        if not inside.any():
            return []
        found = self.by_language[query_language]
        return [found.query_ids[query] for query in np.unique(found.query[inside])]

    def to_bytes(self) -> bytes:
        """A gzipped TSV with one line a (query, relevant passage); the same ranks give the same bytes."""
        import numpy as np

        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
        partly = any(ranks.found is not None for ranks in self.by_language.values())
        writer.writerow(_HEADER + (_FOUND if partly else ()))
        for language, ranks in self.by_language.items():
            columns: list[Iterable[object]] = [
                [language] * len(ranks.query),
                (ranks.query_ids[query] for query in ranks.query),
                ranks.passage_language.tolist(),
                ranks.doc_id,
                ranks.relevance.tolist(),
                ranks.rank.tolist(),
                ranks.rank_all.tolist(),
            ]
            if partly:
                everything = np.ones(len(ranks.query), dtype=bool)
                for found in (ranks.found, ranks.found_all):
                    columns.append((everything if found is None else found).astype(int).tolist())
            writer.writerows(zip(*columns, strict=True))
        return gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)

    @classmethod
    def read(cls, path: Path, sha256: str) -> Ranks:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            HybridBenchError: if the file is missing, is not the one with this hash, or is malformed.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise HybridBenchError(f"cannot read the ranks {path}: {error.strerror}", "Keep it beside its result.") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise HybridBenchError(f"{path} is not the file that its result names", "Run the evaluation again.")
        try:
            return cls(dict(_parse(gzip.decompress(content).decode())))
        except (OSError, EOFError, zlib.error, csv.Error, ValueError, OverflowError) as error:
            raise HybridBenchError(f"{path} is not a file of ranks: {error}", "Run the evaluation again.") from error


def _parse(text: str) -> Iterator[tuple[str, LanguageRanks]]:
    """Raises ValueError or OverflowError where the text is not as :meth:`Ranks.to_bytes` writes it."""
    import numpy as np

    lines = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE, escapechar="\\")
    header = tuple(next(lines, ()))
    if header not in (_HEADER, _HEADER + _FOUND):
        raise ValueError(f"its columns are not {', '.join(_HEADER)}")
    rows: dict[str, list[list[str]]] = {}
    for row in lines:
        if len(row) != len(header):
            raise ValueError(f"line {lines.line_num} does not have {len(header)} columns")
        rows.setdefault(row[0], []).append(row)
    for language, of_language in rows.items():
        _, ids, passage_language, doc_id, *numbers = map(list, zip(*of_language, strict=True))
        query_ids = list(dict.fromkeys(ids))
        index = {query_id: at for at, query_id in enumerate(query_ids)}
        query = np.array([index[query_id] for query_id in ids], dtype=np.int32)
        relevance, rank, rank_all, *flags = (np.array(column, dtype=np.int32) for column in numbers)
        if min(relevance.min(), rank.min()) < 1 or rank_all.min() < 0 or (np.diff(query) < 0).any():
            raise ValueError(f"the ranks of {language} are below 1 or not in the order of the queries")
        if any(not np.isin(flag, (0, 1)).all() for flag in flags):
            raise ValueError(f"{' and '.join(_FOUND)} of {language} are not 0 or 1")
        found = (flag.astype(bool) for flag in flags)
        yield language, LanguageRanks(query_ids, query, np.array(passage_language), doc_id, relevance, rank, rank_all, *found)
