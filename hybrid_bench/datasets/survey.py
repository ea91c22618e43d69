"""One pass over a suite's passages before long work: ids that are wrong are errors, what is odd is counted."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from hybrid_bench.datasets.judged import JudgedQueries, refuse_alike
from hybrid_bench.datasets.oddities import Oddities
from hybrid_bench.datasets.parts import Item
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.trec_ids import in_a_run, look, problem_of
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Survey:
    """Compares the ids of passages with each other, with the judgements and with the queries.

    Of a passage it keeps 8 bytes, so that collections need not fit into memory.

    Args:
        suite: of the passages.
        judged: its judged queries, by query set.
        oddities: counts what is accepted by a rule.
        for_runs: whether TREC runs will be written, which hold no id with white space.

    Raises:
        HybridBenchError: if the id of a query is wrong.
    """

    def __init__(
        self, suite: Suite, judged: Mapping[str, JudgedQueries], oddities: Oddities | None = None, *, for_runs: bool = False
    ) -> None:
        self.oddities = oddities or Oddities()
        self._suite = suite
        self._judged = judged
        self._for_runs = for_runs
        self._hashes: dict[str, NDArray[np.uint64]] = {}
        for name, of_set in judged.items():
            for query in of_set.queries:
                self._check(query.id, f"the query of {suite.name}/{name}")

    def of_all(self, read: Callable[[str], Iterable[Item]]) -> None:
        """Read every collection, see :meth:`watch`.

        Args:
            read: gives the passages of a collection.
        """
        for of in self._suite.collections:
            for _ in self.watch(of.name, lambda name=of.name: read(name)):  # type: ignore[misc]
                pass

    def watch(self, collection: str, read: Callable[[], Iterable[Item]]) -> Iterator[Item]:
        """Yield the passages of a collection and check them; the last errors come after the last passage.

        Args:
            collection: its name.
            read: gives the passages; called again to name an id that occurs twice.

        Raises:
            HybridBenchError: if an id cannot be one or occurs twice, or the judgements name no passage that is there, or one
                whose id differs from that of a passage only to a machine.
        """
        trec_id = self._suite.trec_id
        judged = [j for of_set in self._judged.values() for j in of_set.judgements if j.collection == collection]
        relevant = {trec_id(collection, j.doc_id): j.doc_id for j in judged}
        absent, alike = set(relevant), {look(doc_id): name for name, doc_id in relevant.items()}
        seen_alike: dict[str, str] = {}
        asked = [name for name in self._suite.asked_on(collection) if name in self._judged]
        queries: dict[str, list[Item]] = {}
        for query in (query for name in asked for query in self._judged[name].queries):
            queries.setdefault(trec_id(collection, query.id), []).append(query)
        hashes = array("Q")
        for item in read():
            own_id = self._suite.doc_id(collection, item.id)
            self._check(own_id, f"the passage of {self._suite.name}/{collection}")
            hashes.append(_hash(item.id))
            if item.id in relevant:
                absent.discard(item.id)
            elif (one := alike.get(look(own_id))) is not None:
                seen_alike[one] = item.id
            for query in queries.get(item.id, ()):
                self._note_own(query, item)
            yield item
        self._check_distinct(collection, np.array(hashes, dtype=np.uint64), read)
        where = f"the collection {collection}"
        for name in sorted(absent):
            refuse_alike("passage", name, seen_alike.get(name), where)
        if relevant and len(absent) == len(relevant):
            raise HybridBenchError(
                f"no relevant passage of {len(relevant):,} is in {where} of {self._suite.name}, first {min(relevant.values())!r}",
                "Check that the qrels and the corpus belong together.",
            )
        for j in judged:
            if trec_id(collection, j.doc_id) in absent:
                self.oddities.add("no-passage", f"query {j.query_id!r}, passage {j.doc_id!r}")

    def _note_own(self, query: Item, passage: Item) -> None:
        if self._suite.drops_own:
            self.oddities.add("own-dropped", repr(query.id))
        elif isinstance(query.content, str) and isinstance(passage.content, str) and query.content in passage.content:
            self.oddities.add("own-kept", repr(query.id))  # elsewhere numbers are equal by chance

    def _check(self, name: str, what: str) -> None:
        if problem := problem_of(name):
            raise HybridBenchError(f"{what} with id {name[:100]!r}: {problem}", "Give it another id, here and in the qrels.")
        if self._for_runs and not in_a_run(name):
            raise HybridBenchError(
                f"the id {name[:100]!r} cannot be written to a TREC run ({what})", "Give it a name without spaces."
            )

    def _check_distinct(self, collection: str, hashes: NDArray[np.uint64], read: Callable[[], Iterable[Item]]) -> None:
        """Raise HybridBenchError for the first id that is there twice, in the collection or in one of the same pool.

        Ids of which only the hashes are equal are no matter.
        """
        values, counts = np.unique(hashes, return_counts=True)
        if len(values) < len(hashes):
            twice = _ids_of(read(), values[counts > 1])
            self._refuse_twice(collection, [name for name, count in Counter(twice).items() if count > 1])
        for other, known in self._hashes.items():
            if any(collection in pool and other in pool for pool in self._suite.pools.values()):
                both = np.intersect1d(values, known)
                shared = set(_ids_of(self._suite.passage_stream(other), both)) if len(both) else set()
                self._refuse_twice(f"{other} and {collection}", [name for name in _ids_of(read(), both) if name in shared])
        if not self._suite.prefixed and self._suite.pools:
            self._hashes[collection] = values

    def _refuse_twice(self, where: str, ids: Sequence[str]) -> None:
        if ids:
            raise HybridBenchError(
                f"the passage of {self._suite.name}/{where} with id {ids[0]!r} occurs twice", "Give every record its own id."
            )


def _hash(name: str) -> int:
    return xxhash.xxh3_64_intdigest(name.encode())


def _ids_of(items: Iterable[Item], hashes: NDArray[np.uint64]) -> list[str]:
    """The ids that have one of the hashes."""
    wanted = set(hashes.tolist())
    return [item.id for item in items if _hash(item.id) in wanted] if wanted else []
