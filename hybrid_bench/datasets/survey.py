"""One pass over a suite's passages before long work: ids that are wrong are errors, what is odd is counted."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import xxhash

from hybrid_bench.datasets.judged import JudgedQueries, refuse_alike
from hybrid_bench.datasets.oddities import Oddities
from hybrid_bench.datasets.parts import Item
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.trec_ids import in_a_run, look, problem_of
from hybrid_bench.errors import HybridBenchError


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
        absent, alike = set(relevant), {look(name): name for name in relevant}
        seen_alike: dict[str, str] = {}
        asked = [name for name in self._suite.asked_on(collection) if name in self._judged]
        queries: dict[str, list[Item]] = {}
        for query in (query for name in asked for query in self._judged[name].queries):
            queries.setdefault(trec_id(collection, query.id), []).append(query)
        hashes = array("Q")
        for item in read():
            self._check(item.id, f"the passage of {self._suite.name}/{collection}")
            hashes.append(xxhash.xxh3_64_intdigest(item.id.encode()))
            if item.id in relevant:
                absent.discard(item.id)
            elif (one := alike.get(look(item.id))) is not None:
                seen_alike[one] = item.id
            for query in queries.get(item.id, ()):
                self._note_own(query, item)
            yield item
        if _occur_twice(hashes):
            self._name_twice(collection, hashes, read)
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

    def _name_twice(self, collection: str, hashes: array[int], read: Callable[[], Iterable[Item]]) -> None:
        """Raise HybridBenchError for the first id that occurs twice; ids of which only the hashes are equal are no matter."""
        values, counts = np.unique(np.array(hashes, dtype=np.uint64), return_counts=True)
        suspects = set(values[counts > 1].tolist())
        seen: set[str] = set()
        for item in read():
            if xxhash.xxh3_64_intdigest(item.id.encode()) in suspects:
                if item.id in seen:
                    raise HybridBenchError(
                        f"the passage of {self._suite.name}/{collection} with id {item.id!r} occurs twice",
                        "Give every record its own id.",
                    )
                seen.add(item.id)


def _occur_twice(hashes: array[int]) -> bool:
    return len(np.unique(np.array(hashes, dtype=np.uint64))) < len(hashes)
