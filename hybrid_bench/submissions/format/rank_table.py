"""The rank table of a submission: one line per query, with the ranks of its relevant passages.

A gzipped TSV with the columns of :data:`HEADER`, sorted by query id, then query set (``language``; a domain where query sets are
domains). ``ranks`` holds the space-separated rank of every relevant passage in the passage's collection, ordered by ascending
document id; ``ranks_all`` the same in the pool of all collections; ``same20`` the number of passages in the query's language, or
of its domain, among the top 20 of that pool. Query sets that are not asked on that pool have ``-`` in the last two, and those
without a language, such as images, in ``same20``. If a depth is stated, a passage that was not retrieved has the rank ``-``.

:mod:`rank_table_reader` parses and checks it.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.settings import ALL, Attribute

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.measures.bias_scores import GroupCounts
    from hybrid_bench.results.ranks import Ranks
    from hybrid_bench.submissions.format.expected import SuiteData

SUFFIX = ".ranks.tsv.gz"
HEADER = ("query_id", "language", "same20", "ranks", "ranks_all")
#: Maximum size of a packed table in bytes; the table of XQuAD-R has 0.35 MB.
PACKED_LIMIT = 16 << 20
#: The cell of a passage that was not retrieved, and of columns that the suite does not have.
NONE = "-"


@dataclass(frozen=True)
class RankTable:
    """Ranks of all relevant passages, and the groups in the top 20.

    Attributes:
        ranks: sorted by query and descending document id, as an evaluation stores them.
        same_group: query set to (queries,) number of passages of its language or domain among the top 20 of the pool of all.
        attribute: which of the two.
    """

    ranks: Ranks
    same_group: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    attribute: Attribute = "language"

    def cut(self) -> bool:
        """Whether a relevant passage was not retrieved."""
        return any(of.found is not None or of.found_in for of in self.ranks.by_query_set.values())

    def group_counts(self) -> dict[str, GroupCounts]:
        """The groups in the top 20, as :func:`hybrid_bench.measures.scores.score_ranks` takes it."""
        return {query_set: {(ALL, self.attribute): counts} for query_set, counts in self.same_group.items()}

    def to_bytes(self) -> bytes:
        """The gzipped file; deterministic."""
        return gzip.compress(self.text().encode(), compresslevel=9, mtime=0)

    def text(self) -> str:
        """The unpacked content."""
        return "\n".join(["\t".join(HEADER), *("\t".join(line) for line in sorted(self._lines()))]) + "\n"

    def _lines(self) -> Iterator[tuple[str, ...]]:
        for language, found in self.ranks.by_query_set.items():
            first = np.searchsorted(found.query, np.arange(len(found.query_ids) + 1))
            same = self.same_group.get(language)
            for number, query_id in enumerate(found.query_ids):
                pairs = slice(first[number], first[number + 1])
                order = sorted(range(pairs.start, pairs.stop), key=found.doc_id.__getitem__)
                yield (
                    query_id,
                    language,
                    NONE if same is None else str(same[number]),
                    _joined(found.rank, found.found, order),
                    NONE if ALL not in found.rank_in else _joined(found.rank_in[ALL], found.found_in.get(ALL), order),
                )


def _joined(ranks: NDArray[np.int32], found: NDArray[np.bool_] | None, order: list[int]) -> str:
    return " ".join(NONE if found is not None and not found[at] else str(ranks[at]) for at in order)


@functools.lru_cache(maxsize=8)
def unpacked_limit(data: SuiteData) -> int:
    """Upper bound in bytes on the unpacked size of a suite's table."""
    lines = (
        len(query_id.encode()) + 32 + 2 * 10 * len(pairs) for part in data.relevant.values() for query_id, pairs in part.items()
    )
    return 1024 + sum(lines)
