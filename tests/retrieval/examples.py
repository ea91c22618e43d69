"""Small collections to search, and the slow way to rank them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.full_runs import FullRuns
from hybrid_bench.retrieval.exact.ranking import rank_relevant

LANGUAGES = ("ar", "de", "en", "zh")


def setting(language: str, pool: str) -> Setting:
    """A setting of the kind that the two names tell."""
    return Setting(language, pool, "multilingual" if pool == ALL else "monolingual" if pool == language else "cross-lingual")


@dataclass(frozen=True)
class Example:
    """Passages by language, queries, and which passages are relevant to which.

    Attributes:
        vectors: language to (passages, dimension) float32.
        ids: language to the ids of its passages, in an order that means nothing.
        queries: (queries, dimension) float32.
        relevant: for each query its relevant passages.
        asked_in: for each query its language; queries of one language stand together.
    """

    vectors: Mapping[str, np.ndarray]
    ids: Mapping[str, Sequence[str]]
    queries: np.ndarray
    relevant: Sequence[Sequence[str]]
    asked_in: Sequence[str]

    @property
    def pools(self) -> tuple[str, ...]:
        """The languages, and the pool of all where there are several."""
        return (*self.ids, ALL) if len(self.ids) > 1 else tuple(self.ids)

    @functools.cached_property
    def columns(self) -> Columns:
        return Columns.stack(self.vectors, self.ids, {ALL: tuple(self.ids)})

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
        languages = self.ids if pool == ALL else [pool]
        scored = [
            (np.float32(self.queries[query] @ vector), doc_id)
            for language in languages
            for doc_id, vector in zip(self.ids[language], self.vectors[language], strict=True)
        ]
        return [doc_id for _, doc_id in sorted(scored, reverse=True)]

    @functools.cached_property
    def full_runs(self) -> FullRuns:
        query_ids = {
            language: [f"q{at}" for at, asked_in in enumerate(self.asked_in) if asked_in == language]
            for language in dict.fromkeys(self.asked_in)
        }
        settings = [setting(language, pool) for language in query_ids for pool in self.pools]
        return FullRuns(self.queries, self.columns, query_ids, settings)

    @functools.cached_property
    def ranks(self) -> Ranks:
        """What the grid says, as a result keeps it."""
        query, column = self.pairs
        found = rank_relevant(self.queries, self.columns, query, column)
        by_query_set, offset = {}, 0
        for language, query_ids in self.full_runs.query_ids.items():
            here = (query >= offset) & (query < offset + len(query_ids))
            doc_ids = [self.columns.ids[at] for at in column[here]]
            by_query_set[language] = QuerySetRanks(
                query_ids=query_ids,
                query=query[here] - offset,
                collection=np.array([doc_id.partition("-")[0] for doc_id in doc_ids], dtype=np.str_),
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
) -> Example:
    """A collection drawn by a seed.

    Args:
        seed: of the generator.
        languages: one pool each, of one to ``passages`` passages.
        queries: how many, shared out among the languages.
        passages: of one language at most.
        dimension: of the vectors.
        rounded: draw eighths between -2/8 and 2/8, so that products are exact and many passages tie.
        most_relevant: relevant passages a query at most; some queries have none.
    """
    rng = np.random.default_rng(seed)

    def draw(count: int) -> np.ndarray:
        shape = (count, dimension)
        values = rng.integers(-2, 3, shape) / 8 if rounded else rng.standard_normal(shape)
        return values.astype(np.float32)

    sizes = {language: int(rng.integers(1, passages + 1)) for language in languages}
    ids = {
        language: [f"{language}-{number:04d}" for number in rng.permutation(size * 3)[:size]] for language, size in sizes.items()
    }
    every = [doc_id for of_language in ids.values() for doc_id in of_language]
    counts = rng.integers(0, min(most_relevant, len(every)) + 1, queries)
    return Example(
        vectors={language: draw(size) for language, size in sizes.items()},
        ids=ids,
        queries=draw(queries),
        relevant=[[str(doc_id) for doc_id in rng.choice(every, count, replace=False)] for count in counts],
        asked_in=sorted(str(language) for language in rng.choice(list(languages), queries)),
    )


#: Few passages and few values: most passages tie with others.
tied_examples = st.builds(
    example,
    st.integers(0, 2**32),
    languages=st.lists(st.sampled_from(LANGUAGES), min_size=1, unique=True),
    queries=st.integers(1, 9),
    passages=st.integers(1, 12),
    dimension=st.integers(1, 3),
    rounded=st.just(True),
    most_relevant=st.integers(0, 8),
)
