"""Exact search of an encoder: every text is encoded once, and one score matrix gives the ranks in all settings."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.hashes import items_hash, judgements_hash
from hybrid_bench.datasets.judged import judged_queries
from hybrid_bench.datasets.oddities import Oddities
from hybrid_bench.datasets.parts import Item, PassageText
from hybrid_bench.datasets.settings import Attribute
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.survey import Survey
from hybrid_bench.embeddings.given import GivenVectors
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.evaluation.assemble import Evidence, SearcherIdentity
from hybrid_bench.evaluation.identity import Data
from hybrid_bench.evaluation.provenance import Phases, public_card
from hybrid_bench.execution.protocol import Executor
from hybrid_bench.measures.bias_scores import GROUP_DEPTH
from hybrid_bench.measures.scores import score_ranks
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.grid import Grid
from hybrid_bench.support.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: An image takes about as long to encode as a text of so many characters: measured with small encoders of texts and images.
_CHARACTERS_OF_AN_IMAGE = 250


class ExactSearch:
    """An encoder on a suite, with the vectors of all queries and passages.

    Args:
        encoder: encodes what the store does not hold; or the vectors of all texts.
        suite: restricted to the languages that are evaluated.
        store: of the vectors.
        passage_text: what the encoder reads of a passage.
        progress: where to report.
        strict: refuse what is odd in the suite's data instead of noting it.
        for_runs: whether runs will be written, which hold no id with white space.

    Attributes:
        passages: collection to its passages.
        queries: query set to its queries that have a relevant passage.

    Raises:
        HybridBenchError: if the suite is faulty.
    """

    def __init__(
        self,
        encoder: Encoder | GivenVectors,
        suite: Suite,
        store: EmbeddingStore,
        *,
        passage_text: PassageText = "sentence",
        progress: Progress | None = None,
        phases: Phases | None = None,
        strict: bool = False,
        for_runs: bool = False,
    ) -> None:
        self.phases = phases or Phases()
        self._encoder = encoder
        self._suite = suite
        self._store = store
        self._passage_text: PassageText = passage_text
        self._progress = progress or SilentProgress()
        with self.phases.measure("load"):
            oddities = Oddities()
            self.passages = {of.name: suite.passages(of.name, passage_text, oddities) for of in suite.collections}
            self.queries = judged_queries(suite, oddities)
            Survey(suite, self.queries, oddities, for_runs=for_runs).of_all(self.passages.__getitem__)
            if strict:
                oddities.refuse(suite.name)
            self._notes = oddities.notes()
        self._ranks: dict[str, QuerySetRanks] = {}
        self._groups: dict[str, dict[tuple[str, Attribute], NDArray[np.int32]]] = {}

    @functools.cached_property
    def data(self) -> Data:
        """The hashes of what is encoded and judged."""
        return Data(
            {name: items_hash(items) for name, items in self.passages.items()},
            {name: items_hash(part.queries) for name, part in self.queries.items()},
            {name: judgements_hash(self._suite, part.judgements) for name, part in self.queries.items()},
        )

    @functools.cached_property
    def vectors(self) -> dict[tuple[Role, str], NDArray[np.float32]]:
        """Role and name of collection or query set to (items, dimension) float32; encoded when they are first asked for.

        Raises:
            HybridBenchError: if the encoder is faulty, or the disk is full. What was stored before stays.
        """
        with self.phases.measure("encode"), self._progress:
            found: dict[tuple[Role, str], NDArray[np.float32]] = {}
            self._progress.job(self._encoder.card.name, self._costs())
            for name, items in self.passages.items():
                found["passage", name] = self._encode("passage", name, items)
            for name, part in self.queries.items():
                found["query", name] = self._encode("query", name, part.queries)
            return found

    def _costs(self) -> dict[str, float]:
        """Step to the characters that it encodes; an image counts as :data:`_CHARACTERS_OF_AN_IMAGE`."""
        parts: dict[str, list[Item]] = {f"passage {name}": items for name, items in self.passages.items()}
        parts |= {f"query {name}": part.queries for name, part in self.queries.items()}
        return {
            step: float(sum(len(item.content) if isinstance(item.content, str) else _CHARACTERS_OF_AN_IMAGE for item in items))
            for step, items in parts.items()
        }

    def _encode(self, role: Role, name: str, items: list[Item]) -> NDArray[np.float32]:
        self._progress.start(f"{role} {name}", len(items))
        if isinstance(self._encoder, GivenVectors):
            return self._encoder.of(role, name, [item.id for item in items])
        return self._store.vectors(
            self._encoder,
            role,
            [item.content for item in items],
            passage_text=self._passage_text if role == "passage" else "",
            progress=self._progress.advance,
            on_wait=lambda folder: self._progress.say(f"another process is writing {folder}; waiting for it"),
        )

    @property
    def identity(self) -> SearcherIdentity:
        """What a result states of the encoder."""
        return SearcherIdentity(
            card=public_card(self._encoder.card),
            fingerprint=self._encoder.fingerprint,
            passage_text=self._passage_text,
            dtype=self._encoder.dtype,
            device=self._encoder.device,
        )

    def grids(self) -> Iterator[Grid]:
        """The score matrices: query sets and collections that no setting connects are in different ones."""
        for query_sets, collections in _components(self._suite):
            asked = {name: (self.queries[name], self.vectors["query", name]) for name in query_sets if name in self.queries}
            if asked:
                columns = Columns.stack(
                    {name: self.vectors["passage", name] for name in collections},
                    {name: [item.id for item in self.passages[name]] for name in collections},
                    dict(self._suite.pools),
                )
                yield Grid(self._suite, columns, asked)

    def rank(self, grid: Grid, executor: Executor | None = None) -> Ranks:
        """Rank the relevant passages of a grid's queries; they count in :meth:`evidence` from then on."""
        with self.phases.measure("search"):
            ranks, groups = grid.rank(executor, group_depth=GROUP_DEPTH)
        self._ranks |= ranks
        self._groups |= groups
        return Ranks(ranks)

    def evidence(self, measures: list[str]) -> Evidence:
        """The scores of all ranks so far."""
        ranks = Ranks({name: self._ranks[name] for name in self.queries if name in self._ranks})
        with self.phases.measure("score"):
            rows, notes = score_ranks(self._suite, ranks, self._groups, measures)
        return Evidence(
            rows=rows,
            notes=[*notes, *self._notes],
            passages=self.data.passages,
            queries=self.data.queries,
            judgements=self.data.judgements,
            ranks=ranks,
            timings=self.phases.seconds,
        )


def _components(suite: Suite) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Query sets and collections that settings connect, in the order of the suite."""
    asked: dict[str, set[str]] = {of.name: set() for of in suite.query_sets}
    for setting in suite.settings:
        asked[setting.query_set].update(suite.pool(setting.pool))
    components: list[tuple[set[str], set[str]]] = []
    for query_set, collections in asked.items():
        if not collections:
            continue
        touching = [component for component in components if component[1] & collections]
        components = [component for component in components if component not in touching]
        components.append(({query_set}.union(*(c[0] for c in touching)), collections.union(*(c[1] for c in touching))))
    ordered = sorted(components, key=lambda component: min(list(asked).index(name) for name in component[0]))
    names = [of.name for of in suite.collections]
    return [
        (tuple(name for name in asked if name in queries), tuple(name for name in names if name in collections))
        for queries, collections in ordered
    ]
