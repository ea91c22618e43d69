"""The exact ranks of the relevant passages: they replace a run where a run would be too large."""

from __future__ import annotations

import csv
import functools
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADER = ("query_set", "query_id", "collection", "doc_id", "relevance", "rank")
#: The columns of schema version 1, in which the pool of all languages was the only one of several collections.
_HEADER_1 = ("query_language", "query_id", "passage_language", "doc_id", "relevance", "rank", "rank_all")
_RANK, _FOUND = "rank:", "found:"


@dataclass(frozen=True, eq=False)
class QuerySetRanks:
    """The relevant passages of the queries of a query set, and their ranks.

    Attributes:
        query_ids: the queries that have a relevant passage in the suite.
        query: (pairs,) index into ``query_ids``, ascending.
        collection: (pairs,) name of the passage's collection.
        doc_id: (pairs,) TREC id of the passage.
        relevance: (pairs,) its grade, 1 or more.
        rank: (pairs,) its rank in its collection, from 1.
        rank_in: pool of several collections to (pairs,) the rank there, from 1; 0 where the pool does not hold the passage.
        found: for a searcher that does not rank all passages: (pairs,) whether it retrieved the passage in its collection.
            A passage that was not retrieved has a rank after all that were, and no measure counts it as retrieved. None if
            everything was retrieved.
        found_in: the same for pools of several collections; a pool in which everything was retrieved is left out.
    """

    query_ids: Sequence[str]
    query: NDArray[np.int32]
    collection: NDArray[np.str_]
    doc_id: Sequence[str]
    relevance: NDArray[np.int32]
    rank: NDArray[np.int32]
    rank_in: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    found: NDArray[np.bool_] | None = None
    found_in: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    @functools.cached_property
    def collections(self) -> tuple[str, ...]:
        """The collections that relevant passages are in, sorted."""
        return tuple(sorted(set(self.collection.tolist())))

    @functools.cached_property
    def collection_index(self) -> NDArray[np.int64]:
        """(pairs,) index into :attr:`collections`."""
        import numpy as np

        index = np.zeros(len(self.query), dtype=np.int64)
        for number, name in enumerate(self.collections):
            index[self.collection == name] = number
        return index

    def inside(self, pool: str) -> NDArray[np.bool_]:
        """(pairs,) whether the passage is in a pool."""
        return self.rank_in[pool] > 0 if pool in self.rank_in else self.collection == pool

    def values_of(self, groups: Mapping[str, str | None]) -> set[str]:
        """The groups that relevant passages are in, e.g. languages.

        Args:
            groups: collection to its group; None for a collection in no group.
        """
        return {group for name in self.collections if (group := groups.get(name)) is not None}

    def group_index(self, groups: Mapping[str, str | None]) -> NDArray[np.int64]:
        """(pairs,) the number of the passage's group: equal numbers for equal groups, ascending with their names.

        Args:
            groups: collection to its group; None for a collection in no group.
        """
        import numpy as np

        of_collections = [str(groups.get(name)) for name in self.collections]
        number = {group: at for at, group in enumerate(sorted(set(of_collections)))}
        return np.array([number[group] for group in of_collections], dtype=np.int64)[self.collection_index]


@dataclass(frozen=True, eq=False)
class Ranks:
    """Query set to the ranks of its relevant passages; two are equal if their files are."""

    by_query_set: Mapping[str, QuerySetRanks]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranks) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def inside(self, query_set: str, pool: str) -> NDArray[np.bool_]:
        """(pairs,) which relevant passages of a query set are in a pool; empty if the query set has no ranks."""
        import numpy as np

        found = self.by_query_set.get(query_set)
        return np.zeros(0, dtype=bool) if found is None else found.inside(pool)

    def query_ids(self, query_set: str, pool: str) -> list[str]:
        """The queries that have a relevant passage in a pool: those that count there."""
        import numpy as np

        inside = self.inside(query_set, pool)
        if not inside.any():
            return []
        found = self.by_query_set[query_set]
        return [found.query_ids[query] for query in np.unique(found.query[inside])]

    def to_bytes(self) -> bytes:
        """A gzipped TSV with one line a (query, relevant passage); the same ranks give the same bytes."""
        import numpy as np

        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
        pools = sorted({pool for ranks in self.by_query_set.values() for pool in ranks.rank_in})
        partly = any(ranks.found is not None or ranks.found_in for ranks in self.by_query_set.values())
        found = [_FOUND[:-1], *(_FOUND + pool for pool in pools)] if partly else []
        writer.writerow([*_HEADER, *(_RANK + pool for pool in pools), *found])
        for name, ranks in self.by_query_set.items():
            nowhere, everything = np.zeros(len(ranks.query), dtype=np.int32), np.ones(len(ranks.query), dtype=bool)
            columns: list[Iterable[object]] = [
                [name] * len(ranks.query),
                (ranks.query_ids[query] for query in ranks.query),
                ranks.collection.tolist(),
                ranks.doc_id,
                ranks.relevance.tolist(),
                ranks.rank.tolist(),
                *(ranks.rank_in.get(pool, nowhere).tolist() for pool in pools),
            ]
            if partly:
                flags = [everything if ranks.found is None else ranks.found]
                flags += [ranks.found_in.get(pool, everything) for pool in pools]
                columns += [flag.astype(int).tolist() for flag in flags]
            writer.writerows(zip(*columns, strict=True))
        return gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)

    @classmethod
    def read(cls, path: Path, sha256: str) -> Ranks:
        """Read what :meth:`to_bytes` wrote, in this version or in schema version 1.

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


def _parse(text: str) -> Iterator[tuple[str, QuerySetRanks]]:
    """Raises ValueError or OverflowError where the text is not as :meth:`Ranks.to_bytes` writes it."""
    import numpy as np

    lines = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE, escapechar="\\")
    header = _current(tuple(next(lines, ())))
    rows: dict[str, list[list[str]]] = {}
    for row in lines:
        if len(row) != len(header):
            raise ValueError(f"line {lines.line_num} does not have {len(header)} columns")
        rows.setdefault(row[0], []).append(row)
    for name, of_query_set in rows.items():
        columns = dict(zip(header, zip(*of_query_set, strict=True), strict=True))
        query_ids = list(dict.fromkeys(columns["query_id"]))
        index = {query_id: at for at, query_id in enumerate(query_ids)}
        query = np.array([index[query_id] for query_id in columns["query_id"]], dtype=np.int32)
        numbers = {column: np.array(columns[column], dtype=np.int32) for column in header[len(_HEADER) - 2 :]}
        ranks = {column.removeprefix(_RANK): of for column, of in numbers.items() if column.startswith(_RANK) and of.any()}
        flags = {column: of for column, of in numbers.items() if column.startswith(_FOUND[:-1])}
        lowest = min(numbers["relevance"].min(), numbers["rank"].min())
        if lowest < 1 or any(rank.min() < 0 for rank in ranks.values()) or (np.diff(query) < 0).any():
            raise ValueError(f"the ranks of {name} are below 1 or not in the order of the queries")
        if any(not np.isin(flag, (0, 1)).all() for flag in flags.values()):
            raise ValueError(f"{' and '.join(flags)} of {name} are not 0 or 1")
        found = {column: flag.astype(bool) for column, flag in flags.items() if not flag.all()}
        in_pools = {pool: found[_FOUND + pool] for pool in ranks if _FOUND + pool in found}
        yield name, QuerySetRanks(
            query_ids, query, np.array(columns["collection"]), columns["doc_id"], numbers["relevance"], numbers["rank"],
            ranks, found.get(_FOUND[:-1]), in_pools,
        )  # fmt: skip


def _current(header: tuple[str, ...]) -> tuple[str, ...]:
    """The names that columns have in this version; raises ValueError if they are not those of a file of ranks."""
    if header in (_HEADER_1, (*_HEADER_1, "found", "found_all")):
        return (*_HEADER, f"{_RANK}all", *(("found", f"{_FOUND}all") if len(header) > len(_HEADER_1) else ()))
    more = header[len(_HEADER) :]
    pools = [name.removeprefix(_RANK) for name in more if name.startswith(_RANK)]
    expected = [f"{_RANK}{pool}" for pool in pools]
    if len(more) > len(pools):
        expected += [_FOUND[:-1], *(f"{_FOUND}{pool}" for pool in pools)]
    if header[: len(_HEADER)] != _HEADER or list(more) != expected or len(set(pools)) < len(pools):
        raise ValueError(f"its columns are not {', '.join(_HEADER)}")
    return header
