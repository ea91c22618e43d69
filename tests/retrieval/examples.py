"""Small collections to search, and their ranking by a full sort."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from hybrid_bench import Setting
from hybrid_bench.datasets.settings import ALL, SettingKind
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.full_runs import FullRuns
from hybrid_bench.retrieval.exact.ranking import rank_relevant

LANGUAGES = ("ar", "de", "en", "zh")
#: Names of which one begins with another, or that hold a hyphen.
TAGS = ("sr-latn", "zh", "zh-hans")

#: ``sorted``: ids begin with the collection; ``alternating``: ids are unique and do not sort by collection.
Ids = Literal["sorted", "alternating"]


def setting(language: str, pool: str) -> Setting:
    """A setting of the kind that the two names tell."""
    return Setting(language, pool, "multilingual" if pool == ALL else "monolingual" if pool == language else "cross-lingual")


@dataclass(frozen=True)
class Example:
    """Passages by collection, queries, and which passages are relevant to which.

    Attributes:
        vectors: collection to (passages, dimension) float32.
        ids: collection to the ids of its passages, in an order without meaning.
        queries: (queries, dimension) float32.
        relevant: for each query its relevant passages.
        asked_in: for each query its query set; queries of one query set are consecutive.
        pools: pool of several collections to their names.
    """

    vectors: Mapping[str, np.ndarray]
    ids: Mapping[str, Sequence[str]]
    queries: np.ndarray
    relevant: Sequence[Sequence[str]]
    asked_in: Sequence[str]
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @functools.cached_property
    def columns(self) -> Columns:
        return Columns.stack(self.vectors, self.ids, self.pools)

    @functools.cached_property
    def collection_of(self) -> Mapping[str, str]:
        """Passage to its collection."""
        return {doc_id: name for name, doc_ids in self.ids.items() for doc_id in doc_ids}

    def pool(self, name: str) -> tuple[str, ...]:
        """The collections of a pool."""
        return self.pools.get(name, (name,))

    @functools.cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """(query, column) of every relevant passage, by query."""
        found = [
            (query, column)
            for query, relevant in enumerate(self.relevant)
            for column in sorted(self.columns.position[doc_id] for doc_id in relevant)
        ]
        table = np.array(found, np.int32).reshape(-1, 2)
        return table[:, 0].copy(), table[:, 1].copy()

    def full_sort(self, query: int, pool: str) -> list[str]:
        """The passages of a pool as trec_eval sorts them: by score as float32, then by id, both descending."""
        scored = [
            (np.float32(self.queries[query] @ vector), doc_id)
            for name in self.pool(pool)
            for doc_id, vector in zip(self.ids[name], self.vectors[name], strict=True)
        ]
        return [doc_id for _, doc_id in sorted(scored, reverse=True)]

    @functools.cached_property
    def full_runs(self) -> FullRuns:
        query_ids = {
            name: [f"q{at}" for at, asked_in in enumerate(self.asked_in) if asked_in == name]
            for name in dict.fromkeys(self.asked_in)
        }
        settings = [Setting(name, pool, self._kind(name, pool)) for name in query_ids for pool in (*self.ids, *self.pools)]
        return FullRuns(self.queries, self.columns, query_ids, settings)

    def _kind(self, query_set: str, pool: str) -> SettingKind:
        return "multilingual" if pool in self.pools else "monolingual" if pool == query_set else "cross-lingual"

    @functools.cached_property
    def ranks(self) -> Ranks:
        """The ranks as a result keeps them."""
        query, column = self.pairs
        found = rank_relevant(self.queries, self.columns, query, column)
        by_query_set, offset = {}, 0
        for name, query_ids in self.full_runs.query_ids.items():
            here = (query >= offset) & (query < offset + len(query_ids))
            doc_ids = [self.columns.ids[at] for at in column[here]]
            by_query_set[name] = QuerySetRanks(
                query_ids=query_ids,
                query=query[here] - offset,
                collection=np.array([self.collection_of[doc_id] for doc_id in doc_ids], dtype=np.str_),
                doc_id=doc_ids,
                relevance=np.ones(int(here.sum()), np.int32),
                rank=found.rank[here],
                rank_in={pool: rank[here] for pool, rank in found.rank_in.items()},
            )
            offset += len(query_ids)
        return Ranks(by_query_set)


def example(
    seed: int,
    *,
    languages: Sequence[str] = LANGUAGES,
    queries: int = 30,
    passages: int = 40,
    dimension: int = 16,
    rounded: bool = False,
    most_relevant: int = 5,
    ids: Ids = "sorted",
    pools: Mapping[str, tuple[str, ...]] | None = None,
) -> Example:
    """A collection drawn by a seed.

    Args:
        seed: of the generator.
        languages: names of the collections, each of one to ``passages`` passages.
        queries: how many, divided among the query sets.
        passages: of one collection at most.
        dimension: of the vectors.
        rounded: draw eighths between -2/8 and 2/8, so that products are exact and many passages tie.
        most_relevant: relevant passages a query at most; some queries have none.
        ids: whether ids sort by collection.
        pools: of several collections; by default one of all, where there are several.
    """
    rng = np.random.default_rng(seed)

    def draw(count: int) -> np.ndarray:
        shape = (count, dimension)
        values = rng.integers(-2, 3, shape) / 8 if rounded else rng.standard_normal(shape)
        return values.astype(np.float32)

    sizes = {name: int(rng.integers(1, passages + 1)) for name in languages}
    if ids == "sorted":
        drawn = {name: [f"{name}-{number:04d}" for number in rng.permutation(size * 3)[:size]] for name, size in sizes.items()}
    else:
        numbers = iter(rng.permutation(3 * sum(sizes.values())).tolist())
        drawn = {name: [f"{next(numbers):04d}" for _ in range(size)] for name, size in sizes.items()}
    every = [doc_id for doc_ids in drawn.values() for doc_id in doc_ids]
    counts = rng.integers(0, min(most_relevant, len(every)) + 1, queries)
    several = {ALL: tuple(languages)} if len(languages) > 1 else {}
    return Example(
        vectors={name: draw(size) for name, size in sizes.items()},
        ids=drawn,
        queries=draw(queries),
        relevant=[[str(doc_id) for doc_id in rng.choice(every, count, replace=False)] for count in counts],
        asked_in=sorted(str(name) for name in rng.choice(list(languages), queries)),
        pools=several if pools is None else pools,
    )


@st.composite
def _tied_examples(draw: st.DrawFn) -> Example:
    names = draw(st.lists(st.sampled_from((*LANGUAGES, *TAGS)), min_size=1, max_size=5, unique=True))
    pools = {}
    if len(names) > 1:
        inside = st.lists(st.sampled_from(names), min_size=2, unique=True).map(tuple)
        pools = draw(st.fixed_dictionaries({}, optional={ALL: st.just(tuple(names)), "some": inside, "others": inside}))
    return example(
        draw(st.integers(0, 2**32)),
        languages=names,
        queries=draw(st.integers(1, 9)),
        passages=draw(st.integers(1, 12)),
        dimension=draw(st.integers(1, 3)),
        rounded=True,
        most_relevant=draw(st.integers(0, 8)),
        ids=draw(st.sampled_from(["sorted", "alternating"])),
        pools=pools,
    )


#: Few passages and few values: most passages tie with others. Pools are of all or some of the collections.
tied_examples = _tied_examples()
